"""The security headers stand on every answer, good or bad."""

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

EXPECTED = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/items", 200),
        ("HEAD", "/api/items", 200),
        ("GET", "/metrics", 200),
        ("GET", "/nothing", 404),
        ("POST", "/api/items", 405),
        ("GET", "/crash", 500),
    ],
)
def test_every_answer_is_secured(app: FastAPI, method: str, path: str, status: int) -> None:
    @app.get("/crash")
    async def crash() -> float:
        return 1 / 0

    answer = TestClient(app).request(method, path)
    assert answer.status_code == status
    assert {name: answer.headers[name] for name in EXPECTED} == EXPECTED
