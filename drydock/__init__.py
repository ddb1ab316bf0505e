"""Drydock: an engine, a registry and a cluster for a Linux machine that has none of them."""
