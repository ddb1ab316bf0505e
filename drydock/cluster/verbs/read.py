"""GET of one object or a list: selectors, versions, pages."""

from __future__ import annotations

import asyncio
import base64
import json

from drydock.cluster.core import Core, stored_as
from drydock.cluster.errors import ApiError, Cause, Obj, bad_request, expired, not_found
from drydock.cluster.message import Request, Response
from drydock.cluster.resources import Resource
from drydock.cluster.route import Target
from drydock.cluster.selectors import parse_fields, parse_labels
from drydock.cluster.store import Key, StaleVersionError
from drydock.cluster.verbs import options

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
    version = version_of(request)
    token = request.query.get("continue", "")
    start: tuple[str, str] | None = None
    if token:
        if version is not None and request.query.get("resourceVersion") not in ("", "0"):
            raise bad_request("specifying resource version is not allowed when using continue")
        at, start = _continued(token)
    elif version is not None and request.query.get("resourceVersionMatch") == "Exact":
        at = version
    else:
        at = core.store.version
    if version is not None and not token:
        await _wait(core, version)
        at = at if request.query.get("resourceVersionMatch") == "Exact" else core.store.version
        if request.query.get("resourceVersionMatch") == "Exact" and version < core.store.horizon:
            raise expired("The resourceVersion for the provided list is too old.")
    try:
        found = core.store.at(stored_as(resource), target.namespace, at)
    except StaleVersionError:
        raise expired(
            "The provided continue parameter is too old to display a consistent list result. You can"
            " start a new list without the continue parameter, or use the continue token in this"
            " response to retrieve the remainder of the results. Continuing with the provided token"
            " results in an inconsistent list - objects that were created, modified, or deleted"
            " between the time the first chunk was returned and now may show up in the list."
        ) from None
    labels = parse_labels(request.query.get("labelSelector", ""))
    fields = parse_fields(request.query.get("fieldSelector", ""), resource.qualified)
    chosen = [
        (key, obj)
        for key, obj in found
        if labels.matches(obj["metadata"].get("labels")) and fields.matches(obj)
    ]
    if start is not None:
        chosen = [(key, obj) for key, obj in chosen if (key.namespace, key.name) >= start]
    limit = options.whole_number(request, "limit") or 0
    meta: Obj = {"resourceVersion": str(at)}
    if limit and len(chosen) > limit:
        meta["continue"] = _token(at, chosen[limit][0])
        if not labels.requirements and not fields.terms:
            meta["remainingItemCount"] = len(chosen) - limit
        chosen = chosen[:limit]
    made = listed(core, resource, [obj for _, obj in chosen], str(at))
    made["metadata"] = meta
    return Response(200, made)


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


def version_of(request: Request) -> int | None:
    """Return the asked resourceVersion; raises ApiError 400."""
    text = request.query.get("resourceVersion", "")
    match = request.query.get("resourceVersionMatch", "")
    if match and not text:
        raise options.options_error("ListOptions", _forbidden_match())
    if not text:
        return None
    if not text.isdigit():
        raise bad_request(
            f'invalid resource version: resourceVersion: Invalid value: "{text}": strconv.ParseUint:'
            f' parsing "{text}": invalid syntax'
        )
    return int(text)


def _forbidden_match() -> Cause:
    text = "Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided"
    return Cause("resourceVersionMatch", "FieldValueForbidden", text)


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


def _token(version: int, key: Key) -> str:
    start = f"{key.namespace}/{key.name}" if key.namespace else key.name
    value = {"v": "meta.k8s.io/v1", "rv": version, "start": start}
    text = json.dumps(value, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def _continued(token: str) -> tuple[int, tuple[str, str]]:
    try:
        text = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        value = json.loads(text)
        namespace, _, name = value["start"].rpartition("/")
        return int(value["rv"]), (namespace, name)
    except (ValueError, KeyError, TypeError) as error:
        raise bad_request(f"continue key is not valid: {error}") from error
