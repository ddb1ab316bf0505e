"""What is counted, and under which names."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

DURATION = "http_request_duration_seconds"


def samples(client: FlaskClient, name: str) -> dict[tuple[tuple[str, str], ...], float]:
    """Give the values of one sample name by their sorted labels."""
    return {
        tuple(sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(client.get("/metrics").text)
        for sample in family.samples
        if sample.name == name
    }


def labelled(handler: str, method: str, status: str) -> tuple[tuple[str, str], ...]:
    return (("handler", handler), ("method", method), ("status", status))


def test_requests_are_counted_by_handler_method_and_status(client: FlaskClient) -> None:
    client.get("/api/data")
    client.get("/api/data?page=2")
    client.head("/api/data")
    assert samples(client, "http_requests_total") == {
        labelled("/api/data", "GET", "200"): 2,
        labelled("/api/data", "HEAD", "200"): 1,
    }


def test_requests_are_timed_in_the_agreed_buckets(client: FlaskClient) -> None:
    client.get("/api/data")
    assert samples(client, f"{DURATION}_count") == {labelled("/api/data", "GET", "200"): 1}
    bounds = {dict(labels)["le"] for labels in samples(client, f"{DURATION}_bucket")}
    assert sorted(map(float, bounds)) == [
        0.005,
        0.01,
        0.025,
        0.05,
        0.1,
        0.25,
        0.5,
        1,
        2.5,
        5,
        float("inf"),
    ]


def test_a_parameter_is_no_label_of_its_own(app: Flask) -> None:
    app.add_url_rule("/api/items/<int:id>/parts/<part>", view_func=lambda id, part: part)
    client = app.test_client()
    client.get("/api/items/7/parts/a")
    client.get("/api/items/8/parts/b")
    handler = "/api/items/{id}/parts/{part}"
    assert samples(client, "http_requests_total") == {labelled(handler, "GET", "200"): 2}


@pytest.mark.parametrize(
    ("method", "path", "counted"),
    [
        ("GET", "/wp-login.php", labelled("none", "GET", "404")),
        ("POST", "/api//data", labelled("none", "POST", "405")),
        ("BREW", "/coffee", labelled("none", "other", "404")),
    ],
)
def test_callers_cannot_invent_labels(
    client: FlaskClient, method: str, path: str, counted: tuple[tuple[str, str], ...]
) -> None:
    client.open(path, method=method)
    assert samples(client, "http_requests_total") == {counted: 1}


def test_a_method_that_a_route_does_not_take_is_counted_under_the_route(app: Flask) -> None:
    app.add_url_rule("/api/items/<int:id>", view_func=lambda id: str(id))
    client = app.test_client()
    client.post("/api/data")
    client.delete("/api/items/7")
    client.delete("/api/items/8")
    assert samples(client, "http_requests_total") == {
        labelled("/api/data", "POST", "405"): 1,
        labelled("/api/items/{id}", "DELETE", "405"): 2,
    }


def test_a_crash_is_counted(app: Flask) -> None:
    app.add_url_rule("/crash", view_func=lambda: str(1 / 0))
    client = app.test_client()
    client.get("/crash")
    assert samples(client, "http_requests_total") == {labelled("/crash", "GET", "500"): 1}


def test_probes_and_scrapes_are_not_counted(client: FlaskClient) -> None:
    for path in ("/api/health", "/api/ready", "/metrics"):
        client.get(path)
    assert samples(client, "http_requests_total") == {}
    assert samples(client, f"{DURATION}_count") == {}
