"""The benchmark's own parts: figures that are wrong are worse than none."""
