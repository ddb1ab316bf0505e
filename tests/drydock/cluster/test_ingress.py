"""The reverse proxy in front of servers of this process."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from drydock.cluster.api import Api
from drydock.cluster.ingress import Ingress
from drydock.cluster.store import Store

PATIENCE = 20.0


class Loopback:
    """Stands for the bridge: every address is this machine's loopback."""

    async def connect(self, _: str, port: int) -> socket.socket:
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


async def echo(request: web.Request) -> web.StreamResponse:
    if request.headers.get("Upgrade") == "websocket":
        near = web.WebSocketResponse()
        await near.prepare(request)
        async for message in near:
            await near.send_str(f"heard {message.data}")
        return near
    body = await request.read()
    told = {name: value for name, value in request.headers.items() if name.startswith("X-")}
    path = str(request.rel_url)
    return web.json_response({"path": path, "size": len(body), "method": request.method, **told})


async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Take a request and end without an answer, as a pod that is killed does."""
    await reader.readline()
    writer.close()


@pytest.fixture
async def world() -> AsyncIterator[tuple[str, list[int]]]:
    """Yield the ingress's address and the ports behind it: one that answers, one that hangs up."""
    runner = web.AppRunner(web.Application(client_max_size=1 << 24))
    runner.app.router.add_route("*", "/{path:.*}", echo)
    await runner.setup()
    good, port, entry = free_port(), 0, free_port()
    await web.TCPSite(runner, "127.0.0.1", good).start()
    rude = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    port = rude.sockets[0].getsockname()[1]
    store = Store()
    api = Api(store)
    client = api.client("test")
    meta = {"name": "web", "namespace": "default"}
    ports = [{"name": "http", "port": 80}]
    await client.create(
        {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": {"ports": ports}}
    )
    for name, number in (("good", good), ("rude", port), ("closed", free_port())):
        labels = {"kubernetes.io/service-name": "web"}
        await client.create(
            {
                "apiVersion": "discovery.k8s.io/v1",
                "kind": "EndpointSlice",
                "metadata": {**meta, "name": name, "labels": labels},
                "addressType": "IPv4",
                "endpoints": [{"addresses": ["10.0.0.1"], "conditions": {"ready": True}}],
                "ports": [{"name": "http", "port": number}],
            }
        )
    backend = {"service": {"name": "web", "port": {"number": 80}}}
    await client.create(
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "Ingress",
            "metadata": meta,
            "spec": {"defaultBackend": backend},
        }
    )
    ingress = Ingress(api.client("ingress"), Loopback(), port=entry)
    task = asyncio.create_task(ingress.run())
    async with asyncio.timeout(PATIENCE), aiohttp.ClientSession() as session:
        while True:
            try:
                await (await session.get(f"http://127.0.0.1:{entry}/")).read()
                break
            except aiohttp.ClientConnectorError:
                await asyncio.sleep(0.01)
    yield f"http://127.0.0.1:{entry}", [good, port]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    rude.close()
    await rude.wait_closed()
    await runner.cleanup()
    store.close()


async def test_requests_that_may_be_repeated_never_fail(world):
    """Of three endpoints one hangs up and one is closed: every GET is answered by the third."""
    base, _ = world
    async with aiohttp.ClientSession() as session:
        for number in range(12):
            async with session.get(f"{base}/x?n={number}%20a") as answer:
                assert answer.status == 200
                assert (await answer.json())["path"] == f"/x?n={number}%20a"


async def test_a_request_that_must_not_be_repeated_is_sent_once(world):
    """A POST is answered, or fails as 502; it passes over what refuses the connection."""
    base, _ = world
    seen = set()
    async with aiohttp.ClientSession() as session:
        for _ in range(12):
            async with session.post(f"{base}/form", data=b"x" * 300_000) as answer:
                seen.add(answer.status)
                if answer.status == 200:
                    assert (await answer.json())["size"] == 300_000
    assert seen == {200, 502}


async def test_the_pod_learns_who_asked(world):
    """X-Forwarded-* tell address, scheme and host; an earlier proxy's address stays in front."""
    base, _ = world
    headers = {"X-Forwarded-For": "203.0.113.9", "Host": "shop.local"}
    async with aiohttp.ClientSession() as session, session.get(base, headers=headers) as answer:
        told = await answer.json()
    assert told["X-Forwarded-For"] == "203.0.113.9, 127.0.0.1"
    assert told["X-Forwarded-Host"] == "shop.local"
    assert told["X-Forwarded-Proto"] == "http"


async def test_web_sockets_pass(world):
    """Messages go both ways."""
    base, _ = world
    async with aiohttp.ClientSession() as session:
        for _ in range(3):
            try:
                async with session.ws_connect(f"{base}/socket") as socket_:
                    await socket_.send_str("hello")
                    assert await socket_.receive_str() == "heard hello"
                    return
            except aiohttp.WSServerHandshakeError as error:
                if error.status != 502:  # one of the endpoints that are no servers
                    raise
    pytest.fail("no endpoint took the WebSocket")
