"""The benchmark: what the bridge carries, beside what a user would write instead. `make bench` runs it, docs/performance.md tells of it."""
