"""Joins terminals and MQTT: events out, commands in, answers back."""
