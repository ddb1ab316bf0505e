"""The parts together."""

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json", "/api/items/"])
def test_the_framework_adds_no_pages_and_no_detours(client: TestClient, path: str) -> None:
    assert client.get(path, follow_redirects=False).status_code == 404


def test_what_is_no_http_request_passes_by(app: FastAPI) -> None:
    with TestClient(app) as client:
        assert client.get("/health").status_code == 200
