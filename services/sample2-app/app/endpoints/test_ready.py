"""Readiness."""

from fastapi import FastAPI
from starlette.testclient import TestClient


def test_a_served_application_is_ready(client: TestClient) -> None:
    answer = client.get("/ready")
    assert (answer.status_code, answer.json()) == (200, {"status": "ready"})


def test_a_draining_one_is_not_ready(app: FastAPI) -> None:
    app.state.draining.begun = True
    answer = TestClient(app).get("/ready")
    assert (answer.status_code, answer.json()) == (503, {"status": "draining"})
