"""The tests: folders mirror those of `bridge/`, and `integration/` runs a real broker and real sockets."""
