"""The proxy of Services and pods: what it lets through in both directions, on a real server with a real pod's HTTP."""

from __future__ import annotations

import asyncio
import ssl
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from drydock.cluster.api import Api
from drydock.cluster.certificates import Authority
from drydock.cluster.node import NodeError
from drydock.cluster.server import Server
from drydock.cluster.store import Store

BASE = "/api/v1/namespaces/default/services/web:http/proxy"


@dataclass
class Pod:
    """A pod's HTTP server in this process: `answer` decides, `asked` is what came in."""

    port: int = 0
    asked: list[web.Request] = field(default_factory=list)
    status: int = 200
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b"hello"

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request)
        made = web.Response(status=self.status, body=self.body)
        for name, value in self.headers:
            made.headers.add(name, value)
        return made


class Node:
    """The only thing that a proxy wants of a node: a connection to a pod."""

    def __init__(self, ports: dict[str, int]) -> None:
        self._ports = ports

    async def port_forward(
        self, _namespace: str, pod: str, port: int
    ) -> tuple[StreamReader, StreamWriter]:
        if pod not in self._ports:
            raise NodeError(f'pods "{pod}" not found', status=404)
        assert port == 5000
        return await asyncio.open_connection("127.0.0.1", self._ports[pod])


@dataclass
class Way:
    """The way to the pod through the API server, as its administrator."""

    pod: Pod
    session: aiohttp.ClientSession
    address: str
    api: Api

    async def get(
        self, path: str = "/", base: str = BASE, **headers: str
    ) -> tuple[aiohttp.ClientResponse, bytes]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        url = f"{self.address}{base}{path}"
        async with self.session.get(url, headers=named, allow_redirects=False) as answer:
            return answer, await answer.read()


@pytest.fixture
async def way(tmp_path: Path) -> AsyncIterator[Way]:
    """Run an API server with a Service `web` that has one ready pod."""
    pod = Pod()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", pod.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    pod.port = runner.addresses[0][1]
    authority, store = Authority(tmp_path / "pki"), Store()
    api = Api(store, tokens=authority.tokens)
    api.core.node = Node({"web-1": pod.port})  # type: ignore[assignment]
    client = api.client("test")
    named = {"name": "web", "namespace": "default"}
    port = {"name": "http", "port": 80, "targetPort": 5000}
    spec = {"ports": [port], "selector": {"app": "web"}}
    await client.create({"apiVersion": "v1", "kind": "Service", "metadata": named, "spec": spec})
    labels = {"kubernetes.io/service-name": "web"}
    endpoint = {
        "addresses": ["10.0.0.1"],
        "conditions": {"ready": True},
        "targetRef": {"kind": "Pod", "name": "web-1", "namespace": "default"},
    }
    await client.create(
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {"name": "web-1", "namespace": "default", "labels": labels},
            "addressType": "IPv4",
            "endpoints": [endpoint],
            "ports": [{"name": "http", "port": 5000}],
        }
    )
    server = Server(api, authority, port=0)
    await server.start()
    trusted = ssl.create_default_context(cadata=authority.root)
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=trusted),
        headers={"Authorization": f"Bearer {authority.token}"},
        auto_decompress=False,
    ) as session:
        yield Way(pod, session, f"https://127.0.0.1:{server.port}", api)
    await server.close()
    await runner.cleanup()
    store.close()


async def test_a_pod_without_a_port_is_called_at_its_first(way: Way) -> None:
    """The first that any of its containers names."""
    client = way.api.client("test")
    named = {"name": "default", "namespace": "default"}
    await client.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": named})
    ports = [{"containerPort": 5000}, {"containerPort": 5001}]
    containers = [{"name": "a", "image": "i"}, {"name": "b", "image": "i", "ports": ports}]
    meta = {"name": "web-1", "namespace": "default"}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {"containers": containers}}
    await client.create(pod)
    answer, body = await way.get(base="/api/v1/namespaces/default/pods/web-1/proxy")
    assert (answer.status, body) == (200, b"hello")


async def test_an_answers_headers_come_through_each_with_all_its_values(way: Way) -> None:
    """A check of security headers through the proxy sees what a browser would."""
    way.pod.headers = [
        ("Content-Security-Policy", "default-src 'none'"),
        ("Set-Cookie", "a=1"),
        ("Set-Cookie", "b=2"),
        ("X-Request-ID", "7"),
        ("X-Name", "Grüße"),
    ]
    answer, body = await way.get()
    assert (answer.status, body) == (200, b"hello")
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'"
    assert answer.headers.getall("Set-Cookie") == ["a=1", "b=2"]
    assert (answer.headers["X-Request-ID"], answer.headers["X-Name"]) == ("7", "Grüße")


async def test_the_pods_word_on_caches_stands_beside_the_api_servers(way: Way) -> None:
    """It is by the API server's own that its answers are told from those of `kubectl proxy`."""
    way.pod.headers = [("Cache-Control", "no-store")]
    answer, _ = await way.get()
    assert answer.headers.getall("Cache-Control") == ["no-cache, private", "no-store"]


async def test_a_compressed_answer_says_so(way: Way) -> None:
    way.pod.headers, way.pod.body = [("Content-Encoding", "gzip")], b"\x1f\x8b..."
    answer, body = await way.get()
    assert (answer.headers["Content-Encoding"], body) == ("gzip", b"\x1f\x8b...")


async def test_headers_of_one_connection_stay_on_it_in_both_directions(way: Way) -> None:
    way.pod.headers = [
        ("Connection", "close, X-Secret-Hop"),
        ("X-Secret-Hop", "1"),
        ("Keep-Alive", "timeout=5"),
        ("Trailer", "X-Sum"),
        ("Proxy-Authenticate", "Basic"),
    ]
    answer, _ = await way.get(TE="trailers", Connection="X-Hop", X_Hop="1", X_Kept="2")
    for name in ("X-Secret-Hop", "Keep-Alive", "Trailer", "Proxy-Authenticate"):
        assert name not in answer.headers
    (asked,) = way.pod.asked
    assert (asked.headers["X-Kept"], asked.headers["Connection"]) == ("2", "close")
    assert not {"TE", "X-Hop"} & set(asked.headers)


async def test_the_callers_credentials_are_not_the_pods_business(way: Way) -> None:
    await way.get()
    assert "Authorization" not in way.pod.asked[0].headers


async def test_a_pod_cannot_open_the_api_server_to_other_origins(way: Way) -> None:
    way.pod.headers = [
        ("Access-Control-Allow-Origin", "*"),
        ("Access-Control-Allow-Credentials", "true"),
        ("Vary", "Origin"),
    ]
    answer, _ = await way.get()
    assert not [name for name in answer.headers if name.startswith("Access-Control")]
    assert answer.headers["Vary"] == "Origin"


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("/login?next=%2F#top", f"{BASE}/login?next=%2F#top"),
        (f"{BASE}/login", f"{BASE}/login"),
        ("http://web:http/login", f"{BASE}/login"),
        ("../login", "../login"),
        ("https://elsewhere.example/login", "https://elsewhere.example/login"),
    ],
)
async def test_a_redirect_within_the_pod_leads_through_the_proxy_again(
    way: Way, location: str, expected: str
) -> None:
    way.pod.status, way.pod.headers = 302, [("Location", location)]
    for path in ("/", "/here", "/here/there/"):
        answer, _ = await way.get(path)
        assert (answer.status, answer.headers["Location"]) == (302, expected)


@pytest.mark.parametrize("path", ["/", "/a/b", "/a/b/", "/a%20b/%C3%BC", "/a?b=c&b=d%26"])
async def test_the_pod_sees_the_path_that_was_asked_for(way: Way, path: str) -> None:
    await way.get(path)
    assert str(way.pod.asked[0].rel_url) == path


async def test_a_pod_is_asked_directly_by_its_port(way: Way) -> None:
    way.pod.headers = [("X-Kind", "pod")]
    answer, _ = await way.get("/", "/api/v1/namespaces/default/pods/web-1:5000/proxy")
    assert answer.headers["X-Kind"] == "pod"
