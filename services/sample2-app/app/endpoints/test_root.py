"""The root."""

from starlette.testclient import TestClient


def test_the_root_tells_who_answers(client: TestClient) -> None:
    answer = client.get("/")
    assert answer.status_code == 200
    assert answer.json() == {
        "service": "sample2-app",
        "environment": "testing",
        "version": "1.2.3",
    }
