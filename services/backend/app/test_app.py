"""The parts together: what holds for every answer, and for browsers on other origins."""

import pytest
from flask.testing import FlaskClient

from app import create_app


def test_the_environment_configures_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASK_ENV", "staging")
    answer = create_app().test_client().get("/api/health")
    assert answer.json is not None
    assert answer.json["environment"] == "staging"


def test_any_origin_may_read_the_answer_and_its_request_id(client: FlaskClient) -> None:
    answer = client.get("/api/data", headers={"Origin": "https://example.test"})
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Access-Control-Expose-Headers"] == "X-Request-ID"


def test_a_browser_may_ask_beforehand(client: FlaskClient) -> None:
    answer = client.options(
        "/api/data",
        headers={"Origin": "https://example.test", "Access-Control-Request-Method": "GET"},
    )
    assert answer.status_code == 200
    assert "GET" in answer.headers["Access-Control-Allow-Methods"]


def test_other_origins_get_no_metrics(client: FlaskClient) -> None:
    answer = client.get("/metrics", headers={"Origin": "https://example.test"})
    assert "Access-Control-Allow-Origin" not in answer.headers
