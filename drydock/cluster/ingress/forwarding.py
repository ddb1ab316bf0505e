"""Passing a request on to a pod and its answer back.

Invariant: a request is sent over a connection of its own, so that a pod which ends never takes along a
request that another pod can answer. What could not be delivered, and may be repeated, is sent to another
endpoint; what broke in the middle of an answer breaks at the client too.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import AsyncIterator, Callable

import aiohttp
from aiohttp import hdrs, web
from yarl import URL

from drydock.cluster.ingress.headers import HOP_BY_HOP, forwarded
from drydock.cluster.ingress.locations import Match

log = logging.getLogger(__name__)

WebSocket = web.WebSocketResponse | aiohttp.ClientWebSocketResponse
Endpoint = tuple[str, int]
ATTEMPTS = 3
PIECE = 1 << 16
REPEATABLE = {"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"}
UNDELIVERED = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, ConnectionError)
_OWN = ("User-Agent", "Content-Type", "Accept", "Accept-Encoding")
"""Headers that the HTTP client would add by itself."""


class Body:
    """A request body that knows whether any of it was taken, and when it is larger than allowed."""

    def __init__(self, request: web.Request, limit: int) -> None:
        self._request, self._limit = request, limit
        self.begun = False
        self.too_large = bool(limit) and (request.content_length or 0) > limit

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield the body; end early when it is too large."""
        size = 0
        async for piece in self._request.content.iter_chunked(PIECE):
            self.begun = True
            size += len(piece)
            if self._limit and size > self._limit:
                self.too_large = True
                raise ValueError("the request body is too large")
            yield piece


class Forwarder:
    """Sends requests to endpoints in turn; `port` is the ingress's own."""

    def __init__(self, session: aiohttp.ClientSession, port: int) -> None:
        self._session, self._port = session, port
        self._turns = itertools.count()

    async def forward(
        self, request: web.Request, match: Match, endpoints: Callable[[], list[Endpoint]]
    ) -> web.StreamResponse:
        """Answer a request by the first endpoint that takes it; `endpoints` are asked for anew each time."""
        order = endpoints()
        if not order:
            name = f"{match.backend.namespace}/{match.backend.service}"
            return page(503, f"Service {name} has no ready endpoint on port {match.backend.port}")
        turn = next(self._turns) % len(order)
        order = order[turn:] + order[:turn]
        if request.headers.get(hdrs.UPGRADE, "").lower() == "websocket":
            return await self._tunnel(request, match, order[0])
        body = Body(request, match.options.body_bytes)
        if body.too_large:
            return page(413, "the request body is larger than proxy-body-size allows")
        return await self._attempt(request, match, body, order, endpoints)

    async def _attempt(
        self,
        request: web.Request,
        match: Match,
        body: Body,
        order: list[Endpoint],
        endpoints: Callable[[], list[Endpoint]],
    ) -> web.StreamResponse:
        tried: set[Endpoint] = set()
        problem: Exception | None = None
        response = web.StreamResponse()
        for attempt in range(ATTEMPTS):
            fresh = [one for one in endpoints() or order if one not in tried]
            preferred = [one for one in order if one in fresh] + fresh
            endpoint = preferred[0] if preferred else order[attempt % len(order)]
            tried.add(endpoint)
            response = web.StreamResponse()
            try:
                return await self._once(request, match, endpoint, body, response)
            except aiohttp.ClientConnectorError as error:
                problem = error
            except UNDELIVERED as error:
                problem = error
                if request.method not in REPEATABLE:
                    break
            except (aiohttp.ClientError, TimeoutError) as error:
                problem = error
                break
            if response.prepared or body.begun:
                break
        return _failure(request, match, body, response, problem)

    async def _once(
        self,
        request: web.Request,
        match: Match,
        endpoint: Endpoint,
        body: Body,
        response: web.StreamResponse,
    ) -> web.StreamResponse:
        options = match.options
        async with self._session.request(
            request.method,
            _url(endpoint, match),
            headers=forwarded(request, port=self._port, prefix=_prefix(match)),
            data=body.pieces() if request.body_exists else None,
            allow_redirects=False,
            skip_auto_headers=_OWN,
            timeout=aiohttp.ClientTimeout(
                total=None, sock_connect=options.connect_seconds, sock_read=options.read_seconds
            ),
        ) as answer:
            response.set_status(answer.status, answer.reason)
            for name, value in answer.headers.items():
                if name.lower() not in HOP_BY_HOP:
                    response.headers.add(name, value)
            await response.prepare(request)
            async for piece in answer.content.iter_chunked(PIECE):
                await response.write(piece)
            await response.write_eof()
            return response

    async def _tunnel(
        self, request: web.Request, match: Match, endpoint: Endpoint
    ) -> web.StreamResponse:
        """Carry a WebSocket's messages both ways."""
        asked = request.headers.get(hdrs.SEC_WEBSOCKET_PROTOCOL, "")
        protocols = [one.strip() for one in asked.split(",") if one.strip()]
        headers = forwarded(request, port=self._port, prefix=_prefix(match))
        for name in list(headers):
            if name.lower().startswith("sec-websocket"):
                del headers[name]
        try:
            far = await self._session.ws_connect(
                _url(endpoint, match), protocols=protocols, headers=headers
            )
        except aiohttp.ClientError as error:
            return page(502, f"no WebSocket behind {request.path}: {error}")
        async with far:
            near = web.WebSocketResponse(protocols=[far.protocol] if far.protocol else ())
            await near.prepare(request)
            async with asyncio.TaskGroup() as group:
                group.create_task(_carry(near, far))
                group.create_task(_carry(far, near))
            return near


def page(code: int, text: str) -> web.Response:
    """Answer in the ingress's own name."""
    return web.Response(status=code, text=f"{code} {text}\n", headers={"Server": "drydock-ingress"})


def _failure(
    request: web.Request,
    match: Match,
    body: Body,
    response: web.StreamResponse,
    problem: Exception | None,
) -> web.StreamResponse:
    """Tell the client what went wrong, or break off the answer that it is already getting."""
    if body.too_large:
        return page(413, "the request body is larger than proxy-body-size allows")
    log.warning("%s %s: %s", request.method, request.path, problem)
    if response.prepared:
        if request.transport is not None:
            request.transport.abort()
        return response
    if isinstance(problem, TimeoutError):
        return page(504, f"a pod of {match.backend.service} did not answer in time")
    return page(502, f"the pod behind {match.backend.service} broke the connection")


def _url(endpoint: Endpoint, match: Match) -> URL:
    host, port = endpoint
    return URL.build(
        scheme="http",
        host=host,
        port=port,
        path=match.path,
        query_string=match.query,
        encoded=True,
    )


def _prefix(match: Match) -> str:
    """Name the prefix that was cut off; ingress-nginx tells it only where it rewrites."""
    return match.options.forwarded_prefix if match.options.rewrite_target else ""


async def _carry(source: WebSocket, target: WebSocket) -> None:
    async for message in source:
        if message.type == aiohttp.WSMsgType.TEXT:
            await target.send_str(message.data)
        elif message.type == aiohttp.WSMsgType.BINARY:
            await target.send_bytes(message.data)
    await target.close(code=source.close_code or 1000)
