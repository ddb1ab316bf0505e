"""JSON merge patch (RFC 7386): objects merge, null deletes, everything else replaces."""

from __future__ import annotations

from typing import cast

from drydock.cluster.errors import Json, Obj


def merge_patch(target: Obj, patch: Obj) -> Obj:
    """Return the target with the patch put over it."""
    return cast("Obj", _merge(target, patch))


def _merge(target: Json, patch: Json) -> Json:
    if not isinstance(patch, dict):
        return patch
    made = dict(target) if isinstance(target, dict) else {}
    for name, one in patch.items():
        if one is None:
            made.pop(name, None)
        else:
            made[name] = _merge(made.get(name), one)
    return made
