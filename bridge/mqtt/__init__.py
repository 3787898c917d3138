"""The MQTT side: topics and payloads as pure functions, paho on a Twisted transport, and the life of the connection."""
