"""The Twisted side of the terminals: protocol, factory and the directory of those that are live."""
