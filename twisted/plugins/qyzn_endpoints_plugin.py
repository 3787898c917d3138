"""Tells Twisted about the bridge's own kind of endpoint."""

from __future__ import annotations

from bridge.terminal.tls import MutualTLSParser

mtls = MutualTLSParser()
