"""Health."""

from fastapi import FastAPI
from starlette.testclient import TestClient


def test_a_process_that_answers_is_healthy(client: TestClient) -> None:
    answer = client.get("/health")
    assert answer.status_code == 200
    assert answer.json() == {"status": "healthy", "service": "sample2-app"}


def test_a_draining_process_is_healthy(app: FastAPI) -> None:
    app.state.draining.begun = True
    assert TestClient(app).get("/health").status_code == 200
