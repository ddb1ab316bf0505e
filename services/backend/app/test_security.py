"""The security headers stand on every answer, good or bad."""

import pytest
from flask import Flask

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
        ("GET", "/api/data", 200),
        ("HEAD", "/api/data", 200),
        ("OPTIONS", "/api/data", 200),
        ("GET", "/metrics", 200),
        ("GET", "/nothing", 404),
        ("POST", "/api/data", 405),
        ("GET", "/crash", 500),
    ],
)
def test_every_answer_is_secured(app: Flask, method: str, path: str, status: int) -> None:
    app.add_url_rule("/crash", view_func=lambda: str(1 / 0))
    answer = app.test_client().open(path, method=method)
    assert answer.status_code == status
    assert {name: answer.headers[name] for name in EXPECTED} == EXPECTED
