"""What is counted, and under which names."""

import pytest
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

DURATION = "http_request_duration_seconds"


def samples(client: TestClient, name: str) -> dict[tuple[tuple[str, str], ...], float]:
    """Give the values of one sample name by their sorted labels."""
    return {
        tuple(sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(client.get("/metrics").text)
        for sample in family.samples
        if sample.name == name
    }


def labelled(handler: str, method: str, status: str) -> tuple[tuple[str, str], ...]:
    return (("handler", handler), ("method", method), ("status", status))


def test_requests_are_counted_by_handler_method_and_status(client: TestClient) -> None:
    client.get("/api/items/1")
    client.get("/api/items/2?page=2")
    client.get("/api/items/9")
    client.head("/api/items")
    assert samples(client, "http_requests_total") == {
        labelled("/api/items/{id}", "GET", "200"): 2,
        labelled("/api/items/{id}", "GET", "404"): 1,
        labelled("/api/items", "HEAD", "200"): 1,
    }


def test_requests_are_timed_in_the_agreed_buckets(client: TestClient) -> None:
    client.get("/")
    assert samples(client, f"{DURATION}_count") == {labelled("/", "GET", "200"): 1}
    bounds = {dict(labels)["le"] for labels in samples(client, f"{DURATION}_bucket")}
    agreed = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, float("inf")]
    assert sorted(map(float, bounds)) == agreed


@pytest.mark.parametrize(
    ("method", "path", "counted"),
    [
        ("GET", "/wp-login.php", labelled("none", "GET", "404")),
        ("POST", "/api/items", labelled("/api/items", "POST", "405")),
        ("BREW", "/coffee", labelled("none", "other", "404")),
    ],
)
def test_callers_cannot_invent_labels(
    client: TestClient, method: str, path: str, counted: tuple[tuple[str, str], ...]
) -> None:
    client.request(method, path)
    assert samples(client, "http_requests_total") == {counted: 1}


def test_a_crash_is_counted(app: FastAPI) -> None:
    @app.get("/crash")
    async def crash() -> float:
        return 1 / 0

    client = TestClient(app)
    client.get("/crash")
    assert samples(client, "http_requests_total") == {labelled("/crash", "GET", "500"): 1}


def test_probes_and_scrapes_are_not_counted(client: TestClient) -> None:
    for path in ("/health", "/ready", "/metrics"):
        client.get(path)
    assert samples(client, "http_requests_total") == {}
    assert samples(client, f"{DURATION}_count") == {}
