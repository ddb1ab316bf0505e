"""The query root's own small facts, and `Engine`."""

from __future__ import annotations

from drydock.engine.engine import VERSION
from drydock.engine.field import Call, field


@field("Query.version", quiet=True)
def version(_self: object, _call: Call) -> str:
    """Return the engine version that clients compare themselves with."""
    return VERSION
