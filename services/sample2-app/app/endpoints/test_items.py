"""All items."""

from starlette.testclient import TestClient


def test_the_items_are_listed_and_counted(client: TestClient) -> None:
    answer = client.get("/api/items")
    assert answer.status_code == 200
    assert answer.json() == {
        "items": [
            {"id": 1, "name": "format", "state": "ready"},
            {"id": 2, "name": "test", "state": "ready"},
            {"id": 3, "name": "ship", "state": "ready"},
        ],
        "count": 3,
    }


def test_head_is_get_without_the_body(client: TestClient) -> None:
    answer = client.head("/api/items")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
