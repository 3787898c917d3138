"""qyzn-bridge: QYZN face terminals on MQTT."""

__version__ = "0.1.0"
