"""How single cells are written: ages, lists, selectors, ports."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import datetime

from drydock.cluster.errors import Json, Obj

NONE = "<none>"
UNSET = "<unset>"
UNKNOWN = "<unknown>"


def seconds_since(stamp: str | None) -> float | None:
    """Return the age of a time stamp, None without one."""
    if not stamp:
        return None
    return time.time() - datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp()


def age(stamp: str | None) -> str:
    """Return an age as kubectl shows it, `<unknown>` without a stamp."""
    seconds = seconds_since(stamp)
    return UNKNOWN if seconds is None else duration(seconds)


def duration(seconds: float) -> str:
    """Return a duration in at most two units: `45s`, `3m5s`, `2d4h`, `1y20d`."""
    whole = int(seconds)
    if whole < -1:
        return "<invalid>"
    if whole < 0:
        return "0s"
    if whole < 120:
        return f"{whole}s"
    minutes, hours, days = whole // 60, whole // 3600, whole // 86400
    if minutes < 10:
        return f"{minutes}m{whole % 60}s" if whole % 60 else f"{minutes}m"
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return f"{hours}h{minutes % 60}m" if minutes % 60 else f"{hours}h"
    if hours < 48:
        return f"{hours}h"
    if hours < 192:
        return f"{days}d{hours % 24}h" if hours % 24 else f"{days}d"
    if days < 730:
        return f"{days}d"
    if days < 2920:
        rest = days % 365
        return f"{days // 365}y{rest}d" if rest else f"{days // 365}y"
    return f"{days // 365}y"


def labels(found: Obj | None) -> str:
    """Return a map as `a=b,c=d`."""
    return ",".join(f"{k}={found[k]}" for k in sorted(found)) if found else NONE


def selector(found: Obj | None) -> str:
    """Return a LabelSelector as text."""
    if not found:
        return NONE
    parts = [f"{k}={v}" for k, v in sorted((found.get("matchLabels") or {}).items())]
    for one in found.get("matchExpressions") or ():
        values = ",".join(sorted(one.get("values") or ()))
        words = {"In": f"{one['key']} in ({values})", "NotIn": f"{one['key']} notin ({values})"}
        words |= {"Exists": one["key"], "DoesNotExist": f"!{one['key']}"}
        parts.append(words[one["operator"]])
    return ",".join(parts) or NONE


def containers(spec: Obj) -> tuple[str, str]:
    """Return names and images of a template's containers."""
    found = spec.get("containers") or ()
    return ",".join(c["name"] for c in found), ",".join(c.get("image", "") for c in found)


def some(values: Iterable[str], most: int = 3) -> str:
    """Return the first values and how many more there are."""
    found = list(values)
    if not found:
        return NONE
    text = ",".join(found[:most])
    return f"{text} + {len(found) - most} more..." if len(found) > most else text


def number(value: Json) -> int:
    """Return a count, 0 when it is absent."""
    return value if isinstance(value, int) else 0
