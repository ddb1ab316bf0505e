"""Whose words an answer is: those of the way to a service say nothing about the service."""

import json
import subprocess
import time
from pathlib import Path

import pytest

from delivery.cluster import Cluster
from delivery.exchange import NoAnswerError, Reply, Target, Trouble, ask
from delivery.way import through_the_api, told_by_the_way

WAY = through_the_api(Path("/proxy.sock"), "near", "shop-preview", "http")


def status(code: int, message: str) -> Reply:
    """Make an answer of an API server itself."""
    told = {"kind": "Status", "apiVersion": "v1", "code": code, "message": message}
    headers = {"content-type": "application/json", "cache-control": "no-cache, private"}
    return Reply(code, headers, json.dumps(told).encode())


def test_a_service_is_reached_by_the_proxy_of_the_api_server() -> None:
    prefix = "/api/v1/namespaces/near/services/shop-preview:http/proxy"
    assert (WAY.socket, WAY.prefix) == (Path("/proxy.sock"), prefix)


@pytest.mark.parametrize(
    ("answered", "told"),
    [
        (status(403, "services is forbidden"), "the API server refuses: services is forbidden"),
        (status(404, 'services "shop" not found'), 'the API server refuses: services "shop" not'),
        (status(429, "too many requests"), "the API server refuses: too many requests"),
        (status(500, "etcdserver: leader changed"), "the API server refuses: etcdserver: leader"),
        (
            Reply(500, {"content-type": "text/plain; charset=utf-8"}, b"dial tcp: refused\n"),
            "the API server cannot be reached: dial tcp: refused",
        ),
        (NoAnswerError(Trouble.REFUSED, ""), "kubectl proxy has ended: connection refused"),
        (NoAnswerError(Trouble.RESET, "gone"), "kubectl proxy has ended: connection reset: gone"),
    ],
)
def test_what_goes_wrong_on_the_way_is_told(answered: Reply | NoAnswerError, told: str) -> None:
    assert told_by_the_way(WAY, answered).startswith(told)


@pytest.mark.parametrize(
    "answered",
    [
        Reply(200, {}, b'{"kind": "Status", "apiVersion": "v1"}'),
        Reply(404, {}, b'{"error": "Not Found"}'),
        Reply(404, {}, b'["kind"]'),
        Reply(404, {}, b'{"kind": "Status", "apiVersion": "shop/v1"}'),
        Reply(500, {"content-type": "text/plain", "cache-control": "no-store"}, b"oops"),
        Reply(500, {"content-type": "text/html"}, b"oops"),
        status(503, 'no endpoints available for service "shop"'),
        NoAnswerError(Trouble.TIMEOUT, ""),
        NoAnswerError(Trouble.RESET, "", begun=True),
        NoAnswerError(Trouble.BROKEN, ""),
    ],
)
def test_what_the_service_does_is_not_blamed_on_the_way(answered: Reply | NoAnswerError) -> None:
    """A 503 of the API server says that nobody serves."""
    assert told_by_the_way(WAY, answered) == ""


def test_there_is_no_way_to_blame_when_a_service_is_asked_directly() -> None:
    direct = Target("shop.example")
    assert told_by_the_way(direct, status(403, "")) == ""
    assert told_by_the_way(direct, NoAnswerError(Trouble.REFUSED, "")) == ""


@pytest.mark.usefixtures("cluster")
def test_a_real_kubectl_says_so_when_the_api_server_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "p.sock"
    command = ["kubectl", "--server=http://127.0.0.1:1", "proxy", f"--unix-socket={path}"]
    proxy = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 10
        while not path.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        way = through_the_api(path, "near", "shop", "http")
        told = told_by_the_way(way, ask(way, "/health", 5))
    finally:
        proxy.kill()
        proxy.wait()
    assert told.startswith("the API server cannot be reached: dial tcp 127.0.0.1:1:")
    with pytest.raises(NoAnswerError) as caught:
        ask(way, "/health", 5)
    assert told_by_the_way(way, caught.value).startswith("kubectl proxy has ended: ")


def test_a_real_api_server_says_so_when_there_is_no_such_service(cluster: Cluster) -> None:
    way = through_the_api(cluster.socket, "default", "nowhere", "http")
    told = told_by_the_way(way, ask(way, "/", 5))
    assert told == 'the API server refuses: services "nowhere" not found'
