"""What callers see while the process drains."""

from fastapi import FastAPI
from starlette.testclient import TestClient


def test_answers_close_their_connections_while_draining(app: FastAPI) -> None:
    client = TestClient(app)
    assert "Connection" not in client.get("/api/items").headers
    app.state.draining.begun = True
    answer = client.get("/api/items")
    assert answer.status_code == 200
    assert answer.headers["Connection"] == "close"
