"""The flows of etc/node-red/ in a real Node-RED: `make test-nodered`."""
