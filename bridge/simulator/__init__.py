"""Terminals in software, for demos, tests and load. They share the errors, the wire and the catalogue with the bridge, and nothing else."""
