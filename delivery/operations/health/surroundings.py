"""What surrounds the services of an environment: warnings of the last minutes, and the room that quotas leave."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from delivery.clock import CLOCK, Clock
from delivery.cluster import FORBIDDEN, ApiError, Cluster, Obj
from delivery.operations.moment import ago, moment_of
from delivery.operations.room import used_of

RECENT = timedelta(minutes=15)
MOST = 10
LONGEST = 160
_OF_A_SET = re.compile(r"(.+)-[a-z0-9]{6,10}-[a-z0-9]{5}")
"""The name of a pod of a Deployment, which comes before those of its replica set and its own."""


class Warned(NamedTuple):
    """One kind of trouble that somebody reported about an object, or about the pods of one Deployment."""

    at: datetime
    reason: str
    about: str
    times: int
    message: str


def warnings(cluster: Cluster, namespace: str, clock: Clock = CLOCK) -> list[str]:
    """Write the warnings of the last minutes, the newest first."""
    try:
        events = cluster.items(f"/api/v1/namespaces/{namespace}/events")
    except ApiError as error:
        if error.status == FORBIDDEN:
            return ["events are not ours to read"]
        raise
    now, found = clock.now(), dict[tuple[str, str], Warned]()
    for event in events:
        warned = _warned(event)
        if warned is None or now - warned.at > RECENT:
            continue
        key, before = (warned.reason, warned.about), found.get((warned.reason, warned.about))
        times = warned.times + (before.times if before else 0)
        newest = warned if before is None or warned.at > before.at else before
        found[key] = newest._replace(times=times)
    ordered = sorted(found.values(), key=lambda each: each.at, reverse=True)
    lines = [_written(each, now) for each in ordered[:MOST]]
    return lines + [f"and {len(ordered) - MOST} more"] * (len(ordered) > MOST)


def quotas(cluster: Cluster, namespace: str) -> list[str]:
    """Write how much of each quota is used."""
    try:
        found = cluster.items(f"/api/v1/namespaces/{namespace}/resourcequotas")
    except ApiError as error:
        if error.status == FORBIDDEN:
            return ["not ours to read"]
        raise
    return [f"{each['metadata']['name']}: {', '.join(used_of(each))}" for each in found] or ["none"]


def _warned(event: Obj) -> Warned | None:
    if event.get("type") != "Warning":
        return None
    series: Mapping[str, object] = event.get("series") or {}
    for text in (
        series.get("lastObservedTime"),
        event.get("lastTimestamp"),
        event.get("eventTime"),
    ):
        at = moment_of(text)
        if at is not None:
            break
    else:
        return None
    times = series.get("count") or event.get("count") or 1
    return Warned(
        at,
        str(event.get("reason", "")),
        _about(event.get("involvedObject") or {}),
        int(str(times)),
        " ".join(str(event.get("message", "")).split())[:LONGEST],
    )


def _about(involved: Obj) -> str:
    """Name an object; the pods of one Deployment have one name, as they fail alike."""
    kind, name = involved.get("kind", ""), involved.get("name", "")
    found = _OF_A_SET.fullmatch(name) if kind == "Pod" else None
    return f"pods of {found[1]}" if found else f"{kind} {name}"


def _written(warned: Warned, now: datetime) -> str:
    times = f" ({warned.times} times)" if warned.times > 1 else ""
    age = ago((now - warned.at).total_seconds())
    return f"{age} ago  {warned.reason}  {warned.about}: {warned.message}{times}"
