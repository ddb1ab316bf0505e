"""Values as Go prints them, for the few messages that quote one."""

from __future__ import annotations

import json

from drydock.cluster.errors import Json


def go_map(value: Json) -> str:
    """Return a value as `%v` shows it: `map[data:map[a:1]]`."""
    if isinstance(value, dict):
        return "map[" + " ".join(f"{name}:{go_map(value[name])}" for name in sorted(value)) + "]"
    if isinstance(value, list):
        return "[" + " ".join(go_map(one) for one in value) + "]"
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def quoted(value: Json) -> str:
    """Return a value as `Invalid value:` shows it: compact JSON."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
