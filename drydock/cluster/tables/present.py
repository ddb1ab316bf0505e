"""Turn an answer into the form its Accept header asks for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import cast

from drydock.cluster.core import Core
from drydock.cluster.errors import ApiError, Obj
from drydock.cluster.message import Request, Response
from drydock.cluster.route import Target
from drydock.cluster.tables.printers import Printer, printer

META = "meta.k8s.io/v1"


def presented(core: Core, target: Target, request: Request, response: Response) -> Response:
    """Return the response as a Table or PartialObjectMetadata when that is asked for."""
    form = _wanted(request.headers.get("accept", ""))
    if form == "" or response.code >= 400:
        return response
    if form == "Table":
        include = request.query.get("includeObject", "Metadata")
        show = printer(core, target.resource)
        if isinstance(response.body, dict):
            response.body = _table(show, response.body, include)
        elif not isinstance(response.body, bytes):
            stream = cast("AsyncIterator[Obj]", response.body)
            response.body = _table_events(show, stream, include)
    elif isinstance(response.body, dict):
        response.body = _metadata(response.body)
    elif not isinstance(response.body, bytes):
        response.body = _metadata_events(cast("AsyncIterator[Obj]", response.body))
    return response


def _wanted(accept: str) -> str:
    """Return Table, PartialObjectMetadata, or nothing for the object itself."""
    for part in accept.split(","):
        name, *parameters = (one.strip() for one in part.split(";"))
        if name.endswith("protobuf"):
            continue
        values = dict(one.split("=", 1) for one in parameters if "=" in one)
        form = values.get("as", "")
        if form == "":
            if name in ("application/json", "*/*", "", "application/*", "application/yaml"):
                return ""
            continue
        if form == "Table" and values.get("v") == "v1":
            return "Table"
        if form in ("PartialObjectMetadata", "PartialObjectMetadataList"):
            return "PartialObjectMetadata"
    if accept and not any(word in accept for word in ("json", "*", "protobuf", "yaml", "text")):
        raise ApiError(
            406,
            "NotAcceptable",
            "only the following media types are accepted: application/json, application/yaml,"
            " application/vnd.kubernetes.protobuf",
            {},
        )
    return ""


def _table(show: Printer, body: Obj, include: str) -> Obj:
    if body.get("kind") == "Status":
        return body
    listed = "items" in body and body["kind"].endswith("List")
    items = body["items"] if listed else [body]
    head = {"kind": body["kind"].removesuffix("List") if listed else body["kind"]}
    head["apiVersion"] = body["apiVersion"]
    meta = {
        name: value
        for name, value in body.get("metadata", {}).items()
        if name in ("resourceVersion", "continue", "remainingItemCount")
    }
    return {
        "kind": "Table",
        "apiVersion": META,
        "metadata": meta,
        "columnDefinitions": show.columns(),
        "rows": [_row(show, {**head, **item}, include) for item in items],
    }


def _row(show: Printer, obj: Obj, include: str) -> Obj:
    row: Obj = {"cells": show.cells(obj)}
    conditions = show.conditions(obj)
    if conditions:
        row["conditions"] = conditions
    if include == "Metadata":
        meta = dict(obj.get("metadata", {}))
        row["object"] = {"kind": "PartialObjectMetadata", "apiVersion": META, "metadata": meta}
    elif include == "Object":
        row["object"] = obj
    return row


async def _table_events(
    show: Printer, events: AsyncIterator[Obj], include: str
) -> AsyncIterator[Obj]:
    first = True
    async for event in events:
        if event["type"] == "ERROR":
            yield event
            continue
        made = _table(show, event["object"], include)
        if event["type"] == "BOOKMARK":
            made["rows"] = []
            made["metadata"] = event["object"]["metadata"]
        if not first:
            made["columnDefinitions"] = None if event["type"] == "BOOKMARK" else []
        first = False
        yield {"type": event["type"], "object": made}


def _metadata(body: Obj) -> Obj:
    if body.get("kind") == "Status":
        return body
    if "items" in body:
        return {
            "kind": "PartialObjectMetadataList",
            "apiVersion": META,
            "metadata": body["metadata"],
            "items": [{"metadata": item["metadata"]} for item in body["items"]],
        }
    return {"kind": "PartialObjectMetadata", "apiVersion": META, "metadata": body["metadata"]}


async def _metadata_events(events: AsyncIterator[Obj]) -> AsyncIterator[Obj]:
    async for event in events:
        if event["type"] == "ERROR":
            yield event
        else:
            yield {"type": event["type"], "object": _metadata(event["object"])}
