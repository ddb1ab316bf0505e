"""Health."""

from flask.testing import FlaskClient


def test_a_process_that_answers_is_healthy(client: FlaskClient) -> None:
    answer = client.get("/api/health")
    assert answer.status_code == 200
    assert answer.json == {"status": "healthy", "service": "backend", "environment": "testing"}
