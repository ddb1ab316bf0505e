"""Custom resources: definitions become rows of the registry, shapes and columns."""

from drydock.cluster.custom.definitions import serve, unserve

__all__ = ["serve", "unserve"]
