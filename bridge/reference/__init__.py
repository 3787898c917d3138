"""Writes the reference from the declarations: pages for people, JSON Schemas, and an AsyncAPI document. `python -m bridge.reference`."""
