"""One item."""

import pytest
from starlette.testclient import TestClient


@pytest.mark.parametrize("path", ["/api/items/2", "/api/items/%32"])
def test_an_item_is_found_by_its_id(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.json() == {"id": 2, "name": "test", "state": "ready"}


@pytest.mark.parametrize("item", ["4", "0", "02", "-1", "ship", "%2e%2e"])
def test_another_id_is_not_found(client: TestClient, item: str) -> None:
    answer = client.get(f"/api/items/{item}")
    assert answer.status_code == 404
    assert answer.json()["detail"] == "There is no such item."
