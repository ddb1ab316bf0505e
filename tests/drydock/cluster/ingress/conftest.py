"""The reverse proxy in front of servers of this process, and the API objects that it follows."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial

import aiohttp
import pytest
from aiohttp import web

from drydock.cluster.api import Api
from drydock.cluster.ingress import Ingress
from drydock.cluster.store import Store

PATIENCE = 20.0


class Loopback:
    """Stands for the bridge: every address is this machine's loopback."""

    async def connect(self, _: str, port: int, **_source: str) -> socket.socket:
        made = socket.socket()
        made.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(made, ("127.0.0.1", port))
        except OSError:
            made.close()
            raise
        return made


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class World:
    """A running ingress at `base`, and the client of its API."""

    base: str
    port: int
    client: object
    session: aiohttp.ClientSession

    async def service(self, name: str, *ports: int) -> None:
        """Make a Service whose pods listen on these ports of this machine."""
        meta = {"name": name, "namespace": "default"}
        spec = {"ports": [{"name": "http", "port": 80}]}
        await self.client.create(
            {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": spec}
        )
        for number in ports:
            labels = {"kubernetes.io/service-name": name}
            await self.client.create(
                {
                    "apiVersion": "discovery.k8s.io/v1",
                    "kind": "EndpointSlice",
                    "metadata": {**meta, "name": f"{name}-{number}", "labels": labels},
                    "addressType": "IPv4",
                    "endpoints": [{"addresses": ["10.0.0.1"], "conditions": {"ready": True}}],
                    "ports": [{"name": "http", "port": number}],
                }
            )

    async def get(self, path: str, **given: object) -> tuple[int, dict]:
        """Ask; return the status and what the pod told as JSON."""
        async with self.session.get(f"{self.base}{path}", **given) as answer:
            body = await answer.json() if answer.content_type == "application/json" else {}
            return answer.status, body

    async def until(self, path: str, service: str, sent: str = "") -> None:
        """Wait until a path leads to a service, which sees it as `sent`."""
        async with asyncio.timeout(PATIENCE):
            while True:
                _, told = await self.get(path)
                if told.get("service") == service and told["path"] == (sent or told["path"]):
                    return
                await asyncio.sleep(0.01)


async def echo(service: str, request: web.Request) -> web.StreamResponse:
    """Tell what was asked; a WebSocket is answered message by message."""
    if request.headers.get("Upgrade") == "websocket":
        near = web.WebSocketResponse()
        await near.prepare(request)
        async for message in near:
            await near.send_str(f"heard {message.data} at {request.path}")
        return near
    if request.path == "/slow":
        await asyncio.sleep(30)
    if request.path == "/broken":
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b"x" * 10)
        request.transport.abort()
        return response
    body = await request.read()
    told = {name: value for name, value in request.headers.items() if name.startswith("X-")}
    about = {"service": service, "path": str(request.rel_url), "size": len(body)}
    return web.json_response({**about, "method": request.method, **told})


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """Run an ingress."""
    entry, store = free_port(), Store()
    api = Api(store)
    task = asyncio.create_task(Ingress(api.client("ingress"), Loopback(), port=entry).run())
    base = f"http://127.0.0.1:{entry}"
    async with aiohttp.ClientSession() as session:
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    await (await session.get(base)).read()
                    break
                except aiohttp.ClientConnectorError:
                    await asyncio.sleep(0.01)
        yield World(base, entry, api.client("test"), session)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    store.close()


@pytest.fixture
async def pods(world: World) -> AsyncIterator[dict[str, int]]:
    """Run one server for each of three Services; return their ports by the Services' names."""
    runners, ports = [], {}
    for name in ("web", "one", "two"):
        app = web.Application(client_max_size=1 << 26)
        app.router.add_route("*", "/{path:.*}", partial(echo, name))
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        ports[name] = free_port()
        await web.TCPSite(runner, "127.0.0.1", ports[name]).start()
        runners.append(runner)
        await world.service(name, ports[name])
    yield ports
    for runner in runners:
        await runner.cleanup()
