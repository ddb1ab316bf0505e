"""Modules: their resolvers live in their own room, and are registered by importing it."""

from __future__ import annotations

from drydock.engine.module import registration, resolvers, workspace

__all__ = ["registration", "resolvers", "workspace"]
