"""The configuration as typed, validated values: each key's type, default, unit and description is declared once, in `values`."""

from bridge.config.load import load
from bridge.config.options import OPTIONS, Option
from bridge.config.section import redacted
from bridge.config.values import Config, Device

__all__ = ["OPTIONS", "Config", "Device", "Option", "load", "redacted"]
