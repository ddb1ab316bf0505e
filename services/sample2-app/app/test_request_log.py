"""The line that each request leaves."""

import pytest
from fastapi import FastAPI, Response
from starlette.testclient import TestClient

from conftest import Logged


def requests(logged: Logged) -> list[dict[str, object]]:
    """Give the lines of requests; the test's client logs too."""
    return [line for line in logged() if line["message"] == "request"]


def test_a_request_leaves_one_line(client: TestClient, logged: Logged) -> None:
    client.get("/api/items?page=2", headers={"X-Request-ID": "abc"})
    (line,) = requests(logged)
    assert isinstance(line.pop("milliseconds"), float)
    del line["time"]
    assert line == {
        "level": "info",
        "message": "request",
        "service": "sample2-app",
        "request_id": "abc",
        "method": "GET",
        "path": "/api/items",
        "status": 200,
    }


@pytest.mark.parametrize("path", ["/health", "/ready", "/metrics"])
def test_probes_are_chatter(client: TestClient, logged: Logged, path: str) -> None:
    client.get(path)
    assert [line["level"] for line in requests(logged)] == ["debug"]


def test_a_failure_is_an_error(app: FastAPI, logged: Logged) -> None:
    @app.get("/busy")
    async def busy() -> Response:
        return Response("busy", status_code=503)

    TestClient(app).get("/busy")
    assert [line["level"] for line in requests(logged)] == ["error"]
