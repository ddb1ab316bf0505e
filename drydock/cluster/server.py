"""The API on TLS: HTTP in, `Api.handle`, HTTP out.

`__main__` starts it. Clients authenticate by certificate, by the admin token, or by a service
account token; all others are `system:anonymous`. Invariant: a watch ends when its client goes away,
and no request body is larger than the limit of a real server.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
import logging
from collections.abc import AsyncIterator
from typing import cast

from aiohttp import WSMsgType, hdrs, web

from drydock.cluster.access.reviews import account_user, is_alive
from drydock.cluster.api import ADMIN, Api, refused
from drydock.cluster.certificates import Authority
from drydock.cluster.errors import ApiError, Obj
from drydock.cluster.message import Request, Response, Upgrade, User

_log = logging.getLogger(__name__)
LIMIT = 3 * 1024 * 1024
ANONYMOUS = User("system:anonymous", ("system:unauthenticated",))


class Server:
    """One listening socket."""

    def __init__(self, api: Api, authority: Authority, *, port: int) -> None:
        self._api = api
        self._authority = authority
        self.port = port
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen; `port` is the real one afterwards."""
        app = web.Application(client_max_size=LIMIT + 1)
        app.router.add_route("*", "/{path:.*}", self._answer)
        runner = web.AppRunner(
            app, access_log=None, handler_cancellation=True, shutdown_timeout=1.0
        )
        await runner.setup()
        site = web.TCPSite(
            runner, "127.0.0.1", self.port, ssl_context=self._authority.server_context()
        )
        await site.start()
        self._runner = runner
        self.port = runner.addresses[0][1]

    async def close(self) -> None:
        """Stop listening and end all watches."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _answer(self, http: web.Request) -> web.StreamResponse:
        try:
            request = await self._request(http)
        except ApiError as error:
            return _whole(refused(error, Request(http.method, http.path, ANONYMOUS)), head=False)
        response = await self._api.handle(request)
        if response.upgrade is not None:
            return await _websocket(http, response.upgrade)
        if isinstance(response.body, dict | bytes):
            return _whole(response, head=http.method == hdrs.METH_HEAD)
        return await _stream(http, response)

    async def _request(self, http: web.Request) -> Request:
        headers = {name.lower(): value for name, value in http.headers.items()}
        groups = http.headers.getall("Impersonate-Group", [])
        if groups:
            headers["impersonate-group"] = "\n".join(groups)
        for name in set(headers):
            if name.startswith("impersonate-extra-"):
                headers[name] = "\n".join(http.headers.getall(name))
        queries: dict[str, list[str]] = {}
        for name, value in http.query.items():
            queries.setdefault(name, []).append(value)
        user = self._user(http)
        body = b""
        if http.can_read_body:
            try:
                body = await http.read()
            except web.HTTPRequestEntityTooLarge:
                body = b" " * (LIMIT + 1)
            if len(body) > LIMIT:
                text = f"Request entity too large: limit is {LIMIT}"
                raise ApiError(413, "RequestEntityTooLarge", text)
        query = {name: values[0] for name, values in queries.items()}
        return Request(http.method, http.path, user, query, queries, headers, body)

    def _user(self, http: web.Request) -> User:
        transport = http.transport
        encrypted = transport.get_extra_info("ssl_object") if transport is not None else None
        certificate = encrypted.getpeercert() if encrypted is not None else None
        if certificate:
            return _certified(certificate)
        scheme, _, token = http.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
        if scheme.lower() == "bearer":
            if hmac.compare_digest(token.encode(), self._authority.token.encode()):
                return ADMIN
            claims = self._api.core.tokens.check(token)
            if claims is None or not is_alive(self._api.core, claims):
                raise ApiError(401, "Unauthorized", "Unauthorized")
            return account_user(claims)
        return ANONYMOUS


def _certified(certificate: Obj) -> User:
    """Return the user that a client certificate names: CN is the name, O the groups."""
    name, groups = "", []
    for part in certificate.get("subject", ()):
        for kind, value in part:
            if kind == "commonName":
                name = value
            elif kind == "organizationName":
                groups.append(value)
    return User(name, (*groups, "system:authenticated"))


def _whole(response: Response, *, head: bool) -> web.Response:
    body = response.body
    if isinstance(body, dict):
        body = encoded(body) + b"\n"
    made = web.Response(status=response.code, body=b"" if head else cast("bytes", body))
    made.headers[hdrs.CONTENT_TYPE] = response.content_type
    _headers(made, response)
    return made


def _headers(made: web.StreamResponse, response: Response) -> None:
    made.headers["Cache-Control"] = "no-cache, private"
    for name, value in response.headers.items():
        made.headers[name] = value
    for name, value in response.passed_on:
        made.headers.add(name, value)
    for text in response.warnings:
        escaped = text.replace("\\", "\\\\").replace('"', '\\"')
        made.headers.add("Warning", f'299 - "{escaped}"')


async def _stream(http: web.Request, response: Response) -> web.StreamResponse:
    made = web.StreamResponse(status=response.code)
    made.headers[hdrs.CONTENT_TYPE] = response.content_type
    _headers(made, response)
    made.enable_chunked_encoding()
    await made.prepare(http)
    stream = cast("AsyncIterator[Obj | bytes]", response.body)
    with contextlib.suppress(ConnectionError):
        async for item in stream:
            await made.write(item if isinstance(item, bytes) else encoded(item) + b"\n")
        await made.write_eof()
    return made


async def _websocket(http: web.Request, upgrade: Upgrade) -> web.StreamResponse:
    if http.headers.get(hdrs.UPGRADE, "").lower() != "websocket":
        error = ApiError(400, "BadRequest", "Upgrade request required")
        return _whole(refused(error, Request(http.method, http.path, ANONYMOUS)), head=False)
    socket = web.WebSocketResponse(protocols=upgrade.protocols, max_msg_size=0)
    await socket.prepare(http)
    channel = _Channel(socket)
    try:
        await upgrade.run(channel)
    except (ConnectionError, asyncio.IncompleteReadError):
        _log.debug("a client of %s went away", http.path)
    await socket.close()
    return socket


class _Channel:
    """A WebSocket of aiohttp as the streams see it."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self._socket = socket
        self.subprotocol = socket.ws_protocol or ""

    async def receive(self) -> bytes | None:
        while True:
            message = await self._socket.receive()
            if message.type is WSMsgType.BINARY:
                return cast("bytes", message.data)
            if message.type is WSMsgType.TEXT:
                return str(message.data).encode()
            if message.type in (
                WSMsgType.CLOSE,
                WSMsgType.CLOSING,
                WSMsgType.CLOSED,
                WSMsgType.ERROR,
            ):
                return None

    async def send(self, data: bytes) -> None:
        await self._socket.send_bytes(data)

    async def close(self) -> None:
        await self._socket.close()


def encoded(body: Obj) -> bytes:
    """Return compact JSON."""
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
