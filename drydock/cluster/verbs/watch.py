"""GET with `watch`: the changes of a collection as they happen.

Initial events, bookmarks and time-outs follow what client-go and kubectl rely on. Invariant: an
object that leaves the selection arrives as DELETED with its last selected state, one that enters it
as ADDED.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator

from drydock.cluster.core import Core, stored_as
from drydock.cluster.errors import Obj, expired, internal
from drydock.cluster.message import Request, Response
from drydock.cluster.resources import Resource
from drydock.cluster.route import Target
from drydock.cluster.selectors import FieldSelector, LabelSelector, parse_fields, parse_labels
from drydock.cluster.store import Change, StaleVersionError
from drydock.cluster.verbs import list_options, options
from drydock.cluster.verbs.read import seen

BOOKMARK_S = 60.0
LAST_BOOKMARK_S = 2.0
"""How long before its end a watch sends its last bookmark, from which a client goes on."""
LONGEST_S = 1800.0
LAG_S = 0.1
"""Added to the wish of a client, which takes a watch that ends a moment early for a fault."""
INITIAL_END = "k8s.io/initial-events-end"


class _Selection:
    """Which objects of a resource a watch is about."""

    def __init__(self, target: Target, request: Request) -> None:
        resource = target.resource
        self.resource = resource
        self.storage = stored_as(resource)
        self.namespace = target.namespace
        self.labels: LabelSelector = parse_labels(request.query.get("labelSelector", ""))
        text = request.query.get("fieldSelector", "")
        if target.name:
            text = ",".join(filter(None, (text, f"metadata.name={target.name}")))
        self.fields: FieldSelector = parse_fields(text, resource.qualified)

    def has(self, obj: Obj | None) -> bool:
        return (
            obj is not None
            and self.labels.matches(obj["metadata"].get("labels"))
            and self.fields.matches(obj)
        )

    def event(self, change: Change) -> Obj | None:
        """Return what a watcher sees of a change, None when it is not selected."""
        key = change.key
        if key.resource != self.storage or (self.namespace and key.namespace != self.namespace):
            return None
        before, after = self.has(change.old), self.has(change.new)
        if after and change.new is not None:
            return _event("MODIFIED" if before else "ADDED", self.resource, change.new)
        if before and change.old is not None:
            meta = {**change.old["metadata"], "resourceVersion": str(change.version)}
            return _event("DELETED", self.resource, {**change.old, "metadata": meta})
        return None


def watch(core: Core, target: Target, request: Request) -> Response:
    """Answer a stream of events."""
    text = request.query.get("resourceVersion", "")
    if text and not text.isdigit():
        raise internal(
            f'resourceVersion: Invalid value: "{text}": strconv.ParseUint: parsing "{text}": invalid'
            " syntax"
        )
    list_options.check_watch(request)
    initial = request.query.get("sendInitialEvents", "")
    selection = _Selection(target, request)
    seconds = options.whole_number(request, "timeoutSeconds")
    limit = float(seconds) if seconds else LONGEST_S * (1 + secrets.randbelow(1000) / 1000)
    bookmarks = options.flag(request, "allowWatchBookmarks")
    return Response(
        200, _stream(core, selection, int(text or 0), initial, limit, bookmarks=bookmarks)
    )


async def _stream(
    core: Core, selection: _Selection, asked: int, initial: str, limit: float, *, bookmarks: bool
) -> AsyncIterator[Obj]:
    store, end = core.store, time.monotonic() + limit + LAG_S
    version = asked
    if initial == "true" or (asked == 0 and initial != "false"):
        version = store.version
        for obj in store.all(selection.storage, selection.namespace):
            if selection.has(obj):
                yield _event("ADDED", selection.resource, obj)
        if initial == "true" and bookmarks:
            yield _bookmark(selection.resource, version, {INITIAL_END: "true"})
    elif asked == 0:
        version = store.version
    mark = _next_bookmark(end)
    while True:
        try:
            changes = store.since(version)
        except StaleVersionError:
            error = expired(f"too old resource version: {version} ({store.horizon})")
            yield {"type": "ERROR", "object": error.status}
            return
        for change in changes:
            event = selection.event(change)
            if event is not None:
                yield event
        if changes:
            version = changes[-1].version
        left = end - time.monotonic()
        if left <= 0:
            return
        if bookmarks and time.monotonic() >= mark:
            yield _bookmark(selection.resource, max(version, store.version), {})
            mark = _next_bookmark(end)
        pause = min(left, mark - time.monotonic()) if bookmarks else left
        try:
            async with asyncio.timeout(max(pause, 0.0)):
                await store.changed(version)
        except TimeoutError:
            if end - time.monotonic() <= 0:
                return


def _next_bookmark(end: float) -> float:
    """Return when the next bookmark is due: in a minute, or shortly before the watch ends."""
    now = time.monotonic()
    last = end - LAST_BOOKMARK_S
    return min(now + BOOKMARK_S, last) if last > now else now + BOOKMARK_S


def _event(kind: str, resource: Resource, obj: Obj) -> Obj:
    return {"type": kind, "object": seen(resource, obj)}


def _bookmark(resource: Resource, version: int, annotations: Obj) -> Obj:
    meta: Obj = {"resourceVersion": str(version)}
    if annotations:
        meta["annotations"] = annotations
    obj = {"kind": resource.kind, "apiVersion": resource.group_version, "metadata": meta}
    return {"type": "BOOKMARK", "object": obj}
