"""The way in: an HTTP reverse proxy on this machine's loopback that follows the Ingress objects.

Run by `drydock.cluster.__main__`; every ingress class is served. Invariant: a request goes to an
endpoint that was ready when it was sent, over a connection of its own, so that a pod which ends never
takes along a request that another pod can answer; what could not be delivered and may be repeated is
sent to another endpoint.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import aiohttp
from aiohttp import hdrs, web
from aiohttp.client_proto import ResponseHandler
from multidict import CIMultiDict
from yarl import URL

from drydock.cluster.client import ApiError, Client
from drydock.cluster.controllers.endpoints import SERVICE_NAME, ready_endpoints
from drydock.cluster.controllers.informer import Cache
from drydock.cluster.controllers.meta import key_of, labels_of
from drydock.cluster.errors import Obj
from drydock.cluster.routing import Backend, Routes
from drydock.runtime.network import Network

if TYPE_CHECKING:
    from aiohttp.client import ClientTimeout
    from aiohttp.client_reqrep import ClientRequest
    from aiohttp.tracing import Trace

log = logging.getLogger(__name__)

WebSocket = web.WebSocketResponse | aiohttp.ClientWebSocketResponse

HOST = "127.0.0.1"
ADDRESS = {"loadBalancer": {"ingress": [{"hostname": "localhost", "ip": HOST}]}}
CONNECT_SECONDS = 5.0
IDLE_SECONDS = 60.0
ATTEMPTS = 3
MOST_CONNECTIONS = 1024
PIECE = 1 << 16
REPEATABLE = {"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"}
HOP_BY_HOP = {
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
}
UNDELIVERED = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, ConnectionError)


class BridgeConnector(aiohttp.BaseConnector):
    """Connects the HTTP client into the bridge network; every request gets a connection of its own."""

    def __init__(self, network: Network) -> None:
        super().__init__(force_close=True, limit=MOST_CONNECTIONS)
        self._network = network

    async def _create_connection(
        self,
        req: ClientRequest,
        traces: list[Trace],  # noqa: ARG002
        timeout: ClientTimeout,  # noqa: ARG002, ASYNC109
    ) -> ResponseHandler:
        host, port = req.url.raw_host or "", req.url.port or 80
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                made = await self._network.connect(host, port)
        except OSError as error:
            raise aiohttp.ClientConnectorError(req.connection_key, error) from error
        _, protocol = await self._loop.create_connection(self._factory, sock=made)
        return protocol


class Ingress:
    """Serves 127.0.0.1:`port` by the cluster's Ingress objects."""

    def __init__(self, client: Client, network: Network, *, port: int) -> None:
        self._client = client
        self._network = network
        self._port = port
        self._cache = Cache(client)
        self._ingresses = self._cache["networking.k8s.io/v1/Ingress"]
        self._services = self._cache["v1/Service"]
        self._slices = self._cache["discovery.k8s.io/v1/EndpointSlice"]
        self._routes = Routes([])
        self._turns = itertools.count()
        self._unannounced = asyncio.Event()
        self._ingresses.on_change(self._changed)

    async def run(self) -> None:
        """Serve until cancelled."""
        await self._cache.start()
        app = web.Application(client_max_size=0)
        app.router.add_route("*", "/{path:.*}", self._handle)
        runner = web.AppRunner(
            app, access_log=None, handler_cancellation=True, shutdown_timeout=1.0
        )
        connector = BridgeConnector(self._network)
        timeout = aiohttp.ClientTimeout(total=None, sock_read=IDLE_SECONDS)
        async with aiohttp.ClientSession(
            connector=connector,
            timeout=timeout,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
        ) as self._session:
            await runner.setup()
            try:
                await web.TCPSite(runner, HOST, self._port).start()
                await self._announce()
            finally:
                await runner.cleanup()
                await self._cache.close()

    def _changed(self, old: Obj | None, new: Obj | None) -> None:
        if old is None or new is None or old.get("spec") != new.get("spec"):
            self._routes = Routes(self._ingresses.items())
        self._unannounced.set()

    async def _announce(self) -> None:
        """Write the address into the status of every Ingress."""
        while True:
            await self._unannounced.wait()
            self._unannounced.clear()
            for ingress in self._ingresses.items():
                if ingress.get("status") == ADDRESS:
                    continue
                namespace, name = key_of(ingress)
                try:
                    await self._client.patch(
                        self._ingresses.kind,
                        namespace,
                        name,
                        {"status": ADDRESS},
                        subresource="status",
                    )
                except ApiError as error:
                    if error.code != 404:
                        log.warning("status of ingress %s/%s: %s", namespace, name, error)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        backend = self._routes.find(request.host, request.path)
        if backend is None:
            return _page(404, f"no Ingress has a rule for {request.host}{request.path}")
        endpoints = self._endpoints(backend)
        if not endpoints:
            name = f"{backend.namespace}/{backend.service}"
            return _page(503, f"Service {name} has no ready endpoint on port {backend.port}")
        turn = next(self._turns)
        order = [endpoints[(turn + step) % len(endpoints)] for step in range(len(endpoints))]
        if request.headers.get(hdrs.UPGRADE, "").lower() == "websocket":
            return await self._tunnel(request, order[0])
        return await self._forward(request, backend, order)

    def _endpoints(self, backend: Backend) -> list[tuple[str, int]]:
        service = self._services.get((backend.namespace, backend.service))
        if service is None:
            return []
        for port in service["spec"].get("ports") or []:
            if backend.port in (port["port"], port.get("name")):
                slices = self._slices.in_namespace(backend.namespace)
                own = [one for one in slices if labels_of(one).get(SERVICE_NAME) == backend.service]
                return ready_endpoints(own, port.get("name") or "")
        return []

    async def _forward(
        self, request: web.Request, backend: Backend, order: list[tuple[str, int]]
    ) -> web.StreamResponse:
        """Send the request to the first endpoint that takes it."""
        body = Body(request)
        tried: set[tuple[str, int]] = set()
        problem: Exception | None = None
        for attempt in range(ATTEMPTS):
            fresh = [one for one in self._endpoints(backend) or order if one not in tried]
            endpoint = next((one for one in order if one in fresh), None) or (
                fresh[0] if fresh else order[attempt % len(order)]
            )
            tried.add(endpoint)
            response = web.StreamResponse()
            try:
                return await self._once(request, endpoint, body, response)
            except aiohttp.ClientConnectorError as error:
                problem = error
            except UNDELIVERED as error:
                problem = error
                if request.method not in REPEATABLE or body.begun or response.prepared:
                    break
            except TimeoutError:
                return _page(504, f"{endpoint[0]}:{endpoint[1]} did not answer in time")
            except aiohttp.ClientError as error:
                problem = error
                break
            if response.prepared or body.begun:
                break
        log.warning("%s %s: %s", request.method, request.path, problem)
        return _page(502, f"the pod behind {backend.service} broke the connection")

    async def _once(
        self,
        request: web.Request,
        endpoint: tuple[str, int],
        body: Body,
        response: web.StreamResponse,
    ) -> web.StreamResponse:
        url = URL.build(
            scheme="http",
            host=endpoint[0],
            port=endpoint[1],
            path=request.rel_url.raw_path,
            query_string=request.rel_url.raw_query_string,
            encoded=True,
        )
        async with self._session.request(
            request.method,
            url,
            headers=_forwarded(request),
            data=body.pieces() if request.body_exists else None,
            allow_redirects=False,
            skip_auto_headers=("User-Agent", "Content-Type", "Accept", "Accept-Encoding"),
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

    async def _tunnel(self, request: web.Request, endpoint: tuple[str, int]) -> web.StreamResponse:
        """Carry a WebSocket's messages both ways."""
        asked = request.headers.get(hdrs.SEC_WEBSOCKET_PROTOCOL, "")
        protocols = [one.strip() for one in asked.split(",") if one.strip()]
        headers = _forwarded(request)
        for name in list(headers):
            if name.lower().startswith("sec-websocket"):
                del headers[name]
        url = f"http://{endpoint[0]}:{endpoint[1]}{request.rel_url}"
        try:
            far = await self._session.ws_connect(url, protocols=protocols, headers=headers)
        except aiohttp.ClientError as error:
            return _page(502, f"no WebSocket behind {request.path}: {error}")
        async with far:
            near = web.WebSocketResponse(protocols=[far.protocol] if far.protocol else ())
            await near.prepare(request)
            async with asyncio.TaskGroup() as group:
                group.create_task(_carry(near, far))
                group.create_task(_carry(far, near))
            return near


class Body:
    """A request body that knows whether any of it was taken."""

    def __init__(self, request: web.Request) -> None:
        self._request = request
        self.begun = False

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield the body."""
        async for piece in self._request.content.iter_chunked(PIECE):
            self.begun = True
            yield piece


def _forwarded(request: web.Request) -> CIMultiDict[str]:
    """Return the request's headers for the pod: hop-by-hop ones out, X-Forwarded-* in."""
    dropped = HOP_BY_HOP | {
        name.strip().lower() for name in request.headers.get(hdrs.CONNECTION, "").split(",")
    }
    headers = CIMultiDict(
        (name, value) for name, value in request.headers.items() if name.lower() not in dropped
    )
    peer = request.remote or HOST
    before = request.headers.get("X-Forwarded-For")
    headers["X-Forwarded-For"] = f"{before}, {peer}" if before else peer
    headers.setdefault("X-Forwarded-Proto", request.scheme)
    headers.setdefault("X-Forwarded-Host", request.host)
    headers.setdefault(
        "X-Forwarded-Port", request.host.rpartition(":")[2] if ":" in request.host else "80"
    )
    headers.setdefault("X-Real-IP", peer)
    return headers


async def _carry(source: WebSocket, target: WebSocket) -> None:
    async for message in source:
        if message.type == aiohttp.WSMsgType.TEXT:
            await target.send_str(message.data)
        elif message.type == aiohttp.WSMsgType.BINARY:
            await target.send_bytes(message.data)
    await target.close(code=source.close_code or 1000)


def _page(code: int, text: str) -> web.Response:
    return web.Response(status=code, text=f"{code} {text}\n", headers={"Server": "drydock-ingress"})
