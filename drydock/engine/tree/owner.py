"""Owners written as numbers; names need a passwd file and are the containers' business."""

from __future__ import annotations

from drydock.engine.errors import EngineError


def numeric_owner(text: str) -> tuple[int, int]:
    """Return (uid, gid) of `1000:1001` or `1000` (which means that group too)."""
    user, separator, group = text.partition(":")
    try:
        uid = int(user)
        return uid, int(group) if separator else uid
    except ValueError:
        raise EngineError(
            f'failed to parse owner "{text}": a directory has no user names; use numbers (1000:1000)'
        ) from None
