"""Request ids, and the line that each request leaves."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from conftest import Logged


def test_a_request_leaves_one_line(client: FlaskClient, logged: Logged) -> None:
    client.get("/api/data?page=2", headers={"X-Request-ID": "abc"})
    (line,) = logged()
    assert isinstance(line.pop("milliseconds"), float)
    del line["time"]
    assert line == {
        "level": "info",
        "message": "request",
        "service": "backend",
        "request_id": "abc",
        "method": "GET",
        "path": "/api/data",
        "status": 200,
    }


@pytest.mark.parametrize("given", ["a", "trace 7/a:b", "x" * 128])
def test_a_callers_id_is_kept(client: FlaskClient, given: str) -> None:
    assert client.get("/", headers={"X-Request-ID": given}).headers["X-Request-ID"] == given


@pytest.mark.parametrize("given", ["", "x" * 129, "caf\u00e9", "tab\there"])
def test_an_unusable_id_is_replaced(client: FlaskClient, given: str) -> None:
    answer = client.get("/", headers={"X-Request-ID": given})
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Request-ID"])


def test_two_requests_have_two_ids(client: FlaskClient) -> None:
    first, second = (client.get("/").headers["X-Request-ID"] for _ in range(2))
    assert first != second


@pytest.mark.parametrize("path", ["/api/health", "/api/ready", "/metrics"])
def test_probes_are_chatter(client: FlaskClient, logged: Logged, path: str) -> None:
    client.get(path)
    assert [line["level"] for line in logged()] == ["debug"]


def test_a_failure_is_an_error(app: Flask, logged: Logged) -> None:
    app.add_url_rule("/busy", view_func=lambda: ("busy", 503))
    app.test_client().get("/busy")
    assert [line["level"] for line in logged()] == ["error"]
