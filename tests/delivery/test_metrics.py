"""Queries to a real Prometheus 2.42, and to what is none."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from delivery.metrics import QueryError, Series, check_address, instant
from tests.delivery.prometheus import Prometheus, prometheus
from tests.delivery.servers import HANG, Behaviour, acting, always, cluster_of, serving


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Run Prometheus."""
    with prometheus(tmp_path_factory.mktemp("prometheus")) as started:
        yield started


def ask(address: str, query: str, folder: Path, seconds: float = 5) -> list[Series]:
    """Ask without a cluster."""
    with cluster_of(always(500), folder) as (server, cluster):
        found = instant(cluster, address, query, seconds)
        assert server.paths == []
    return found


@pytest.mark.parametrize(
    ("query", "values"),
    [
        ("vector(1.5)", [1.5]),
        ("scalar(vector(2))", [2]),
        ("1/0", [float("inf")]),
        ("vector(-1)/0", [float("-inf")]),
        ("absent_metric", []),
        ('label_replace(vector(1), "a", "b", "", "")', [1]),
    ],
)
def test_a_query_gives_numbers(
    running: Prometheus, tmp_path: Path, query: str, values: list[float]
) -> None:
    assert [each.value for each in ask(running.address, query, tmp_path)] == values


def test_a_number_that_is_none_is_still_told(running: Prometheus, tmp_path: Path) -> None:
    (only,) = ask(running.address, "vector(0)/0", tmp_path)
    assert only.value != only.value


def test_series_come_with_their_labels(running: Prometheus, tmp_path: Path) -> None:
    running.shop.count("/", 200, 7)
    running.settle("http_requests_total", 7)
    (only,) = ask(running.address, "http_requests_total", tmp_path)
    assert only.value == 7
    assert (only.labels["handler"], only.labels["service"]) == ("/", "shop")
    assert "status=200" in only.words
    assert Series(1).words == ""


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("sum(", "refuses 'sum\\('.*unclosed left parenthesis"),
        ("up[5m]", "gives a matrix, not one number per series"),
        ('"word"', "gives a string, not one number per series"),
    ],
)
def test_a_wrong_query_is_told_with_the_words_of_prometheus(
    running: Prometheus, tmp_path: Path, query: str, message: str
) -> None:
    with pytest.raises(QueryError, match=message):
        ask(running.address, query, tmp_path)


@pytest.mark.parametrize(
    "behaviour",
    [
        always(200, b"<html>hello</html>"),
        always(404, b"{}"),
        always(200, b"[]"),
        always(200, b'{"status": "success"}'),
        always(200, b'{"status": "success", "data": {"resultType": "vector", "result": [1]}}'),
        always(200, b'{"status": "success", "data": {"resultType": "vector", "result": {}}}'),
    ],
)
def test_what_is_no_prometheus_is_told(behaviour: Behaviour, tmp_path: Path) -> None:
    with serving(behaviour) as (_, target), pytest.raises(QueryError, match="is not Prometheus"):
        ask(f"http://127.0.0.1:{target.port}", "up", tmp_path)


def test_a_prometheus_that_hangs_is_left_in_time(tmp_path: Path) -> None:
    """The server would hang for ever, and pytest's own time-out is minutes away."""
    with serving(acting(HANG)) as (_, target):
        begun = time.monotonic()
        with pytest.raises(QueryError, match="gives no answer: timeout"):
            ask(f"http://127.0.0.1:{target.port}", "up", tmp_path, seconds=0.3)
    assert 0.3 <= time.monotonic() - begun < 30


def test_nobody_at_the_address_is_told(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
        with pytest.raises(QueryError, match=f"Prometheus at {address} gives no answer"):
            ask(address, "up", tmp_path)


def test_a_prometheus_inside_is_asked_through_the_api_server(tmp_path: Path) -> None:
    told = b'{"status": "success", "data": {"resultType": "scalar", "result": [1, "3"]}}'
    with cluster_of(always(200, told), tmp_path) as (server, cluster):
        assert instant(cluster, "service://watch/prometheus:9090", "up", 5) == [Series(3)]
    (path,) = server.paths
    assert path.startswith(
        "/api/v1/namespaces/watch/services/prometheus:9090/proxy/api/v1/query?query=up&"
    )


def test_a_way_that_is_closed_is_told(tmp_path: Path) -> None:
    status = b'{"kind": "Status", "apiVersion": "v1", "message": "services is forbidden"}'
    with (
        cluster_of(always(403, status), tmp_path) as (_, cluster),
        pytest.raises(QueryError, match=r"is not reached: .* services is forbidden"),
    ):
        instant(cluster, "service://watch/prometheus:9090", "up", 5)


@pytest.mark.parametrize(
    "address", ["http://p:9090", "https://p.example/prometheus", "service://watch/prometheus:web"]
)
def test_known_forms_of_addresses(address: str) -> None:
    check_address(address)


@pytest.mark.parametrize(
    "address",
    ["p:9090", "service://watch", "service://watch/p", "service:///p:1", "service://w/a/b:1"],
)
def test_other_forms_are_refused(address: str) -> None:
    with pytest.raises(ValueError, match="is no"):
        check_address(address)
