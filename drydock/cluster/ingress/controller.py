"""The ingress controller: follows Ingress objects, serves what they say, and tells what it cannot.

Run by `drydock.cluster.__main__`; every ingress class is served. Invariant: a request goes to an
endpoint that was ready when it was sent.
"""

from __future__ import annotations

import asyncio
import logging

import aiohttp
from aiohttp import web

from drydock.cluster.client import ApiError, Client
from drydock.cluster.controllers.endpoints import SERVICE_NAME, ready_endpoints
from drydock.cluster.controllers.informer import Cache
from drydock.cluster.controllers.meta import key_of, labels_of, uid_of
from drydock.cluster.controllers.record import Recorder
from drydock.cluster.errors import Obj
from drydock.cluster.ingress.connector import BridgeConnector
from drydock.cluster.ingress.forwarding import Endpoint, Forwarder, page
from drydock.cluster.ingress.locations import Backend
from drydock.cluster.ingress.routes import Problem, Routes
from drydock.cluster.ingress.uri import BadPath
from drydock.runtime.network import Network

log = logging.getLogger(__name__)

HOST = "127.0.0.1"
ADDRESS = {"loadBalancer": {"ingress": [{"hostname": "localhost", "ip": HOST}]}}
CONNECT_SECONDS = 5.0
COMPONENT = "nginx-ingress-controller"


class Ingress:
    """Serves 127.0.0.1:`port` by the cluster's Ingress objects; calls pods from the address `source`."""

    def __init__(self, client: Client, network: Network, *, port: int, source: str = "") -> None:
        self._client = client
        self._network = network
        self._port, self._source = port, source
        self._recorder = Recorder(client, COMPONENT)
        self._cache = Cache(client)
        self._ingresses = self._cache["networking.k8s.io/v1/Ingress"]
        self._services = self._cache["v1/Service"]
        self._slices = self._cache["discovery.k8s.io/v1/EndpointSlice"]
        self._routes = Routes([])
        self._told: set[tuple[str, Problem]] = set()
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
        async with aiohttp.ClientSession(
            connector=BridgeConnector(self._network, self._source),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
        ) as session:
            self._forwarder = Forwarder(session, self._port)
            await runner.setup()
            try:
                await web.TCPSite(runner, HOST, self._port).start()
                await self._announce()
            finally:
                await runner.cleanup()
                await self._cache.close()

    def _changed(self, old: Obj | None, new: Obj | None) -> None:
        if old is None or new is None or _asks(old) != _asks(new):
            self._routes = Routes(self._ingresses.items())
        self._unannounced.set()

    async def _announce(self) -> None:
        """Write the address into the status of every Ingress, and events about what is not served."""
        while True:
            await self._unannounced.wait()
            self._unannounced.clear()
            for ingress in self._ingresses.items():
                if ingress.get("status") != ADDRESS:
                    await self._write_status(ingress)
            await self._tell_problems()

    async def _write_status(self, ingress: Obj) -> None:
        namespace, name = key_of(ingress)
        kind, status = self._ingresses.kind, {"status": ADDRESS}
        try:
            await self._client.patch(kind, namespace, name, status, subresource="status")
        except ApiError as error:
            if error.code != 404:
                log.warning("status of ingress %s/%s: %s", namespace, name, error)

    async def _tell_problems(self) -> None:
        """Tell each problem once, as long as it lasts."""
        now = set()
        for problem in self._routes.problems:
            ingress = self._ingresses.get(problem.ingress)
            if ingress is None:
                continue
            now.add((uid_of(ingress), problem))
            if (uid_of(ingress), problem) not in self._told:
                log.warning("ingress %s: %s", "/".join(problem.ingress), problem.message)
                await self._recorder.warning(ingress, problem.reason, problem.message)
        self._told = now

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        url = request.rel_url
        try:
            match = self._routes.find(request.host, url.raw_path, url.raw_query_string)
        except BadPath:
            return page(400, "the path leads out of the server")
        if match is None:
            return page(404, f"no Ingress has a rule for {request.host}{request.path}")
        return await self._forwarder.forward(request, match, lambda: self._endpoints(match.backend))

    def _endpoints(self, backend: Backend) -> list[Endpoint]:
        """List the ready endpoints of a Service port."""
        service = self._services.get((backend.namespace, backend.service))
        if service is None:
            return []
        for port in service["spec"].get("ports") or []:
            if backend.port in (port["port"], port.get("name")):
                slices = self._slices.in_namespace(backend.namespace)
                own = [one for one in slices if labels_of(one).get(SERVICE_NAME) == backend.service]
                return ready_endpoints(own, port.get("name") or "")
        return []


def _asks(ingress: Obj) -> tuple[object, object]:
    """Take what decides about routes: its rules and its annotations."""
    return ingress.get("spec"), ingress["metadata"].get("annotations")
