"""Tests with a real broker and real sockets, and what they need: `broker.py`, `certificates.py`."""
