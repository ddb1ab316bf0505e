"""Measurements of Shipyard; `make bench` writes them to docs/benchmarks.md."""
