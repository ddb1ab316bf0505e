"""The module room's own face on loopback, for the command line: load a module, describe types.

    POST /module {"ref"}  -> the description of the module ("describe.py"), which the session then serves, and
                             "span", the step that the progress shows for it
    GET  /types/NAME      -> the description of one core type

Answers are plain JSON; an error is `{"error": {"message", "extensions"}}` with status 200, like a query's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from aiohttp import web

from drydock.engine.body import json_object
from drydock.engine.errors import EngineError
from drydock.engine.field import Call
from drydock.engine.module.describe import describe_core, describe_module
from drydock.engine.module.loader import Modules
from drydock.engine.module.sdl import extend
from drydock.engine.module.source import resolve
from drydock.engine.session import Client
from drydock.engine.trace import Span

ClientOf = Callable[[web.Request], Client]
Json = dict[str, Any]


def add_routes(app: web.Application, client_of: ClientOf) -> None:
    """Add the face to the loopback server; `client_of` checks the token."""

    async def load(request: web.Request) -> web.StreamResponse:
        client = client_of(request)
        wanted = await json_object(request, ref=str)
        task = asyncio.ensure_future(_load(client, wanted))
        client.tasks.add(task)
        try:
            return web.json_response(await task)
        finally:
            client.tasks.discard(task)

    async def describe(request: web.Request) -> web.StreamResponse:
        schema = client_of(request).schema.schema
        return web.json_response(describe_core(schema, request.match_info["name"]))

    app.router.add_post("/module", load)
    app.router.add_get("/types/{name}", describe)


async def _load(client: Client, wanted: Json) -> Json:
    """Load and serve the module of a reference; without one, the one that is found upwards (if any)."""
    given = str(wanted.get("ref") or "")
    workspace = client.span.child("load workspace: " + (given or "."))
    loading = workspace.child("loading type definitions")
    try:
        with workspace.active(), loading.active():
            return {**await _serve(client, given, loading), "span": workspace.id}
    except EngineError as error:
        error.mark_lazy(loading.traceparent)
        shown = {"message": _explain(error, given), "extensions": error.extensions}
        return {"error": shown, "span": workspace.id}


async def _serve(client: Client, given: str, span: Span) -> Json:
    source = await asyncio.to_thread(
        resolve, given or ".", client.session.workdir, required=bool(given)
    )
    if not source.exists:
        if given:
            raise EngineError(f'"{given}" has no dagger.json', lazy=True)
        return {"module": None}
    call = Call(
        session=client.session,
        client=client,
        runtime=client.session.engine,
        id="",
        parent_id="",
        type_name="Query",
        field_name="moduleSource",
        span=span,
    )
    try:
        module = await client.session.part(Modules).load(source, call)
    except EngineError as error:
        error.message = f'loading module "{source.root}": resolving module source "{source.root}": {error.message}'
        raise
    if client.schema.schema.field("Query", module.field) is None:
        client.schema = extend(client.schema, module, entrypoint=True)
    config = source.config
    return {
        **describe_module(module),
        "sdk": config.sdk,
        "context": str(source.context),
        "root": str(source.root),
    }


def _explain(error: EngineError, given: str) -> str:
    text = error.text
    if text.startswith("resolving module source"):
        text = f'loading extra module "{given}": {text}'
    return f"loading modules: {text}"
