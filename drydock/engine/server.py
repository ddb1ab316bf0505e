"""The engine's two faces: the control socket for the CLI, and HTTP on loopback for GraphQL and telemetry.

Control (unix socket, mode 0600): `POST /sessions`, `GET /sessions/ID/events`, `DELETE /sessions/ID`,
`GET /status`, `POST /shutdown`. A session lives as long as somebody reads its events, so that it ends
with its client even when that is killed.
Loopback: `POST /query` and OTLP (`/v1/traces`, `/v1/logs`, `/v1/metrics`), both with a session token.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from aiohttp import web

from . import telemetry
from .body import json_object
from .engine import VERSION, Engine
from .execute import execute
from .module import face
from .session import Client, Session
from .trace import Backlog, Event, Span

_MAX_REQUEST = 512 * 1024 * 1024  # withNewFile carries contents in the query
_ATTACH_SECONDS = 30.0  # a new session's client has to read events by then
_HEARTBEAT_SECONDS = 5.0
_PENDING_EVENTS = 100_000
_SURROGATES = re.compile("[\ud800-\udfff]")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Server:
    """Serves one engine until `stopped` is set."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._runners: list[web.AppRunner] = []
        self._closing: set[asyncio.Task[None]] = set()
        self._attached: set[str] = set()
        self.stopped = asyncio.Event()

    async def start(self, control: Path) -> None:
        """Listen on the control socket and on a free loopback port."""
        loopback = web.Application(client_max_size=_MAX_REQUEST)
        loopback.router.add_post("/query", self._query)
        for signal in ("traces", "logs", "metrics"):
            loopback.router.add_post(f"/v1/{signal}", self._telemetry)
        face.add_routes(loopback, self._client)
        runner = await self._serve(loopback)
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.engine.port = runner.addresses[0][1]

        private = web.Application()
        private.router.add_post("/sessions", self._open)
        private.router.add_get("/sessions/{id}/events", self._events)
        private.router.add_delete("/sessions/{id}", self._close)
        private.router.add_get("/status", self._status)
        private.router.add_post("/shutdown", self._shutdown)
        runner = await self._serve(private)
        control.unlink(missing_ok=True)
        mask = os.umask(0o177)
        try:
            await web.UnixSite(runner, str(control)).start()
        finally:
            os.umask(mask)
        self._later(self.engine.types_loaded())

    async def close(self) -> None:
        """Stop listening and end all sessions."""
        await self.engine.close()
        for task in self._closing:
            task.cancel()
        await asyncio.gather(*self._closing, return_exceptions=True)
        for runner in self._runners:
            await runner.cleanup()

    async def _serve(self, app: web.Application) -> web.AppRunner:
        # A client that hangs up cancels its request and with it the work nobody else waits for.
        runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=2)
        await runner.setup()
        self._runners.append(runner)
        return runner

    # ------------------------------------------------------------ loopback

    def _client(self, request: web.Request) -> Client:
        client = self.engine.client(_token(request.headers.get("Authorization", "")))
        if client is None:
            raise web.HTTPUnauthorized(text="this is no token of a living session\n")
        return client

    async def _query(self, request: web.Request) -> web.StreamResponse:
        client = self._client(request)
        wanted = await json_object(request, query=str, variables=dict, operationName=str)
        span = self._parent(client, request.headers.get("traceparent", ""))
        task = asyncio.ensure_future(
            execute(
                client,
                wanted.get("query") or "",
                wanted.get("variables"),
                wanted.get("operationName"),
                span,
            )
        )
        client.tasks.add(task)
        try:
            status, answer = await task
        except asyncio.CancelledError:
            task.cancel()
            if client.session.closed:
                raise web.HTTPServiceUnavailable(text="the session has ended\n") from None
            raise
        finally:
            client.tasks.discard(task)
        return web.Response(status=status, body=_encode(answer), content_type="application/json")

    def _parent(self, client: Client, traceparent: str) -> Span:
        """Return the span a request belongs under: the one it names, if it is one of this trace."""
        parts = traceparent.split("-")
        trace = client.session.trace
        if len(parts) == 4 and parts[1] == trace.id and trace.shows(parts[2]):
            return Span(trace, "", id=parts[2])
        return client.span

    async def _telemetry(self, request: web.Request) -> web.StreamResponse:
        client = self._client(request)
        body = await request.read()
        kind = request.path.rpartition("/")[2]
        try:
            telemetry.receive(kind, body, client)
        except telemetry.ExportError as error:
            raise web.HTTPBadRequest(text=f"{error}\n") from None
        return web.Response(content_type="application/x-protobuf")

    # ------------------------------------------------------------ control socket

    async def _open(self, request: web.Request) -> web.StreamResponse:
        wanted = await json_object(request, workdir=str, environ=dict, version=str)
        session = self.engine.open_session(
            Path(wanted.get("workdir") or "/"),
            wanted.get("environ") or {},
            wanted.get("version") or "",
        )
        self._later(self._close_unattached(session))
        return web.json_response(
            {
                "port": self.engine.port,
                "token": session.client.token,
                "session": session.id,
                "trace": session.trace.id,
            }
        )

    async def _close_unattached(self, session: Session) -> None:
        await asyncio.sleep(_ATTACH_SECONDS)
        if session.id not in self._attached:
            await session.close()

    async def _events(self, request: web.Request) -> web.StreamResponse:
        session = self._session(request)
        self._attached.add(session.id)
        pending, news = Backlog(_PENDING_EVENTS), asyncio.Event()

        def follow(event: Event) -> None:
            pending.add(event)
            news.set()

        async def finish() -> None:
            follow({"event": "closed"})

        response = web.StreamResponse(headers={"Content-Type": "application/jsonl"})
        await response.prepare(request)
        session.on_close(finish)
        try:
            with session.trace.followed_by(follow):
                await _pump(pending, news, response)
        except ConnectionError:
            pass  # the reader is gone, which is what ends the session
        finally:
            self._attached.discard(session.id)
            self._later(session.close())
        return response

    async def _close(self, request: web.Request) -> web.StreamResponse:
        await self._session(request).close()
        return web.json_response({})

    async def _status(self, _: web.Request) -> web.StreamResponse:
        return web.json_response(
            {
                "version": VERSION,
                "pid": os.getpid(),
                "port": self.engine.port,
                "sessions": len(self.engine.sessions),
                "state_dir": str(self.engine.state.root),
            }
        )

    async def _shutdown(self, _: web.Request) -> web.StreamResponse:
        self.stopped.set()
        return web.json_response({})

    def _session(self, request: web.Request) -> Session:
        session = self.engine.sessions.get(request.match_info["id"])
        if session is None:
            raise web.HTTPNotFound(text="no such session\n")
        return session

    def _later(self, work: Any) -> None:
        """Run something that outlives the request."""
        task: asyncio.Task[None] = asyncio.ensure_future(work)
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


def _token(header: str) -> str:
    """Return the token of a basic-auth header, empty if there is none."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(encoded).decode().partition(":")[0]
    except ValueError:
        return ""


def _encode(answer: Any) -> bytes:
    """Return JSON in UTF-8; names that are no text become U+FFFD."""
    text = json.dumps(answer, separators=(",", ":"), ensure_ascii=False)
    try:
        return text.encode()
    except UnicodeEncodeError:
        return _SURROGATES.sub("\ufffd", text).encode()


async def _pump(pending: Backlog, news: asyncio.Event, response: web.StreamResponse) -> None:
    """Write events as JSON lines until the session says `closed`; empty lines find out dead readers."""
    while True:
        try:
            await asyncio.wait_for(news.wait(), _HEARTBEAT_SECONDS)
        except TimeoutError:
            await response.write(b"\n")
            continue
        news.clear()
        lines = pending.take()
        await response.write(b"".join(json.dumps(line).encode() + b"\n" for line in lines))
        if any(line == {"event": "closed"} for line in lines):
            return
