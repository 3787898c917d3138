"""A terminal in software, for demonstrations, tests and load."""
