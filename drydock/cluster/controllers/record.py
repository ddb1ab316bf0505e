"""Events about objects: what a controller or the kubelet did, for people to read.

Invariant: an event that repeats within the hour is the same Event with a higher count, and an
event that cannot be written never disturbs the work it tells about.
"""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass

from drydock.cluster.client import ApiError, Client
from drydock.cluster.controllers.meta import key_of, micro_stamp, stamp, uid_of
from drydock.cluster.errors import Obj

log = logging.getLogger(__name__)

REMEMBERED = 1024
MESSAGE_LIMIT = 1024
SERIES_SECONDS = 3600


@dataclass
class _Seen:
    name: str
    count: int
    last: float


class Recorder:
    """Writes the events of one component."""

    def __init__(self, client: Client, component: str, *, host: str = "") -> None:
        self._client = client
        self._component = component
        self._host = host
        self._seen: OrderedDict[tuple[str, ...], _Seen] = OrderedDict()

    async def normal(self, about: Obj, reason: str, message: str, *, field: str = "") -> None:
        """Write an event of type Normal."""
        await self._record(about, "Normal", reason, message, field)

    async def warning(self, about: Obj, reason: str, message: str, *, field: str = "") -> None:
        """Write an event of type Warning."""
        await self._record(about, "Warning", reason, message, field)

    async def _record(self, about: Obj, kind: str, reason: str, message: str, field: str) -> None:
        message = message[:MESSAGE_LIMIT]
        namespace = about["metadata"].get("namespace") or "default"
        identity = (uid_of(about), kind, reason, message, field)
        seen = self._seen.get(identity)
        try:
            if seen is not None and time.monotonic() - seen.last < SERIES_SECONDS:
                seen.count, seen.last = seen.count + 1, time.monotonic()
                change = {"count": seen.count, "lastTimestamp": stamp()}
                await self._client.patch("v1/Event", namespace, seen.name, change)
                return
        except ApiError as error:
            log.debug("event %s is written anew: %s", reason, error)
        event = self._event(about, kind, reason, message, field)
        try:
            made = await self._client.create(event)
        except ApiError as error:
            log.debug("event %s about %s was not written: %s", reason, key_of(about), error)
            return
        self._seen[identity] = _Seen(made["metadata"]["name"], 1, time.monotonic())
        self._seen.move_to_end(identity)
        while len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)

    def _event(self, about: Obj, kind: str, reason: str, message: str, field: str) -> Obj:
        source = {"component": self._component}
        if self._host:
            source["host"] = self._host
        return {
            **_head(about, field),
            "type": kind,
            "reason": reason,
            "message": message,
            "source": source,
            "count": 1,
            "firstTimestamp": stamp(),
            "lastTimestamp": stamp(),
            "eventTime": None,
            "reportingComponent": self._component,
            "reportingInstance": self._host,
        }


async def record_action(
    client: Client, about: Obj, *, by: str, kind: str, reason: str, action: str, message: str
) -> None:
    """Write an event in the newer form (a time and an action, no source and no count)."""
    event = {
        **_head(about, ""),
        "type": kind,
        "reason": reason,
        "action": action,
        "message": message[:MESSAGE_LIMIT],
        "source": {},
        "eventTime": micro_stamp(),
        "firstTimestamp": None,
        "lastTimestamp": None,
        "reportingComponent": by,
        "reportingInstance": f"{by}-drydock",
    }
    try:
        await client.create(event)
    except ApiError as error:
        log.debug("event %s about %s was not written: %s", reason, key_of(about), error)


def _rising() -> Iterator[int]:
    """Yield the time in nanoseconds, never the same twice."""
    latest = 0
    while True:
        latest = max(time.time_ns(), latest + 1)
        yield latest


_MOMENTS = _rising()
"""Names events, so that those of one second are still listed in the order they came."""


def _head(about: Obj, field: str) -> Obj:
    namespace, name = key_of(about)
    involved = {
        "apiVersion": about["apiVersion"],
        "kind": about["kind"],
        "name": name,
        "uid": uid_of(about),
        "resourceVersion": about["metadata"].get("resourceVersion", ""),
    }
    if namespace:
        involved["namespace"] = namespace
    if field:
        involved["fieldPath"] = field
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {
            "name": f"{name}.{next(_MOMENTS):x}",
            "namespace": namespace or "default",
        },
        "involvedObject": involved,
    }
