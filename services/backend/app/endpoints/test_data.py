"""Data."""

from flask.testing import FlaskClient


def test_the_items_are_listed_and_counted(client: FlaskClient) -> None:
    answer = client.get("/api/data")
    assert answer.status_code == 200
    assert answer.json == {
        "items": [
            {"id": 1, "name": "format", "state": "ready"},
            {"id": 2, "name": "test", "state": "ready"},
            {"id": 3, "name": "ship", "state": "ready"},
        ],
        "count": 3,
    }
