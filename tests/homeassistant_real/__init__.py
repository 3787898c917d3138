"""The bridge with a real Home Assistant: `make test-homeassistant`."""
