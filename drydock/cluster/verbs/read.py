"""GET of one object or a list: selectors, versions, pages."""

from __future__ import annotations

import asyncio

from drydock.cluster.core import Core, stored_as
from drydock.cluster.errors import ApiError, Obj, bad_request, expired, not_found
from drydock.cluster.message import Request, Response
from drydock.cluster.resources import Resource
from drydock.cluster.route import Target
from drydock.cluster.selectors import parse_fields, parse_labels
from drydock.cluster.store import Key, StaleVersionError
from drydock.cluster.verbs import list_options, options
from drydock.cluster.verbs.list_options import Token

PATIENCE_S = 3.0
"""How long a list waits for a version that is not there yet."""


def get(core: Core, target: Target, _request: Request) -> Response:
    """Answer one object."""
    obj = core.store.get(core.key(target.resource, target.namespace, target.name))
    if obj is None:
        raise not_found(target.resource.about, target.name)
    return Response(200, seen(target.resource, obj))


async def list_objects(core: Core, target: Target, request: Request) -> Response:
    """Answer a list, or a page of it."""
    resource = target.resource
    list_options.check_list(request)
    found, at, start = await _read(core, target, request)
    labels = parse_labels(request.query.get("labelSelector", ""))
    fields = parse_fields(request.query.get("fieldSelector", ""), resource.qualified)
    chosen = [
        (key, obj)
        for key, obj in found
        if labels.matches(obj["metadata"].get("labels")) and fields.matches(obj)
    ]
    if start is not None:
        first = (start.namespace, start.name)
        chosen = [(key, obj) for key, obj in chosen if (key.namespace, key.name) >= first]
    limit = options.whole_number(request, "limit") or 0
    meta: Obj = {"resourceVersion": str(at)}
    if limit and len(chosen) > limit:
        meta["continue"] = list_options.written(at, chosen[limit][0])
        if not labels.requirements and not fields.terms:
            meta["remainingItemCount"] = len(chosen) - limit
        chosen = chosen[:limit]
    made = listed(core, resource, [obj for _, obj in chosen], str(at))
    made["metadata"] = meta
    return Response(200, made)


async def _read(
    core: Core, target: Target, request: Request
) -> tuple[list[tuple[Key, Obj]], int, Token | None]:
    """Return what is there at the asked version, that version, and where a page begins."""
    resource, store = stored_as(target.resource), core.store
    token = request.query.get("continue", "")
    if token:
        start = list_options.read_token(token)
        if request.query.get("resourceVersion") not in (None, "", "0"):
            raise bad_request("specifying resource version is not allowed when using continue")
        at = store.version if start.version == list_options.NEWEST else start.version
        try:
            return store.at(resource, target.namespace, at), at, start
        except StaleVersionError:
            raise list_options.too_old(start) from None
    version = list_options.version_of(request)
    if version is not None:
        await _wait(core, version)
    if version is None or request.query.get("resourceVersionMatch") != "Exact":
        return store.at(resource, target.namespace, store.version), store.version, None
    try:
        return store.at(resource, target.namespace, version), version, None
    except StaleVersionError:
        raise expired("The resourceVersion for the provided list is too old.") from None


def selected(core: Core, target: Target, request: Request) -> list[Obj]:
    """Return the objects of a collection that the selectors choose."""
    labels = parse_labels(request.query.get("labelSelector", ""))
    fields = parse_fields(request.query.get("fieldSelector", ""), target.resource.qualified)
    found = core.store.all(stored_as(target.resource), target.namespace)
    return [
        obj
        for obj in found
        if labels.matches(obj["metadata"].get("labels")) and fields.matches(obj)
    ]


def listed(core: Core, resource: Resource, items: list[Obj], version: str) -> Obj:
    """Wrap objects in a list; items of built-in kinds do not repeat their kind."""
    if not resource.custom:
        items = [
            {name: one for name, one in item.items() if name not in ("kind", "apiVersion")}
            for item in (seen(resource, item) for item in items)
        ]
    return {
        "kind": resource.list_kind or f"{resource.kind}List",
        "apiVersion": resource.group_version,
        "metadata": {"resourceVersion": version or str(core.store.version)},
        "items": items,
    }


def seen(resource: Resource, obj: Obj) -> Obj:
    """Return an object as one version of its kind shows it."""
    if resource.qualified == "events.events.k8s.io" and obj["apiVersion"] == "v1":
        return _new_event(obj)
    if obj["apiVersion"] != resource.group_version:
        return {**obj, "apiVersion": resource.group_version}
    return obj


_EVENT_NAMES = {
    "involvedObject": "regarding",
    "message": "note",
    "source": "deprecatedSource",
    "firstTimestamp": "deprecatedFirstTimestamp",
    "lastTimestamp": "deprecatedLastTimestamp",
    "count": "deprecatedCount",
    "reportingComponent": "reportingController",
}


def _new_event(obj: Obj) -> Obj:
    made = {_EVENT_NAMES.get(name, name): one for name, one in obj.items()}
    made["apiVersion"] = "events.k8s.io/v1"
    made.setdefault("eventTime", None)
    return made


async def _wait(core: Core, version: int) -> None:
    try:
        async with asyncio.timeout(PATIENCE_S):
            await core.store.changed(version - 1)
    except TimeoutError:
        raise ApiError(
            504,
            "Timeout",
            f"Timeout: Too large resource version: {version}, current: {core.store.version}",
            {
                "causes": [
                    {
                        "reason": "ResourceVersionTooLarge",
                        "message": "Too large resource version",
                    }
                ],
                "retryAfterSeconds": 1,
            },
        ) from None
