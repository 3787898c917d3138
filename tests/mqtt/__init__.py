"""The MQTT side, in memory: `fake_broker.py` speaks the broker's part."""
