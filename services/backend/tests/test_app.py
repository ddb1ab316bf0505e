"""The backend's answers, headers and log lines."""

import json

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import create_app, environment, port


def logged(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    """Parse what was logged so far."""
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_health_names_service_and_environment(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLASK_ENV", "staging")
    answer = client.get("/api/health")
    assert answer.status_code == 200
    assert answer.get_json() == {
        "status": "healthy",
        "service": "backend",
        "environment": "staging",
    }


def test_data_counts_its_items(client: FlaskClient) -> None:
    body = client.get("/api/data").get_json()
    assert body["count"] == len(body["items"]) == 3
    assert [item["name"] for item in body["items"]] == ["format", "test", "ship"]


def test_any_origin_may_read(client: FlaskClient) -> None:
    answer = client.get("/api/data", headers={"Origin": "https://example.test"})
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Access-Control-Expose-Headers"] == "X-Request-ID"


def test_a_request_leaves_one_json_line(
    client: FlaskClient, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = client.get("/api/data", headers={"X-Request-ID": "abc"})
    (line,) = logged(capsys)
    assert answer.headers["X-Request-ID"] == "abc"
    assert line["request_id"] == "abc"
    assert (line["method"], line["path"], line["status"]) == ("GET", "/api/data", 200)
    assert line["level"] == "info"


@pytest.mark.parametrize("given", ["", "x" * 129])
def test_an_unusable_request_id_is_replaced(client: FlaskClient, given: str) -> None:
    answer = client.get("/api/data", headers={"X-Request-ID": given})
    assert len(answer.headers["X-Request-ID"]) == 32


def test_an_unknown_path_is_answered_as_json(client: FlaskClient) -> None:
    answer = client.get("/nothing")
    assert answer.status_code == 404
    assert answer.get_json()["error"] == "Not Found"


def test_a_crash_is_logged_and_not_told(capsys: pytest.CaptureFixture[str]) -> None:
    app: Flask = create_app()

    def crash() -> str:
        raise RuntimeError("the database password is hunter2")

    app.add_url_rule("/crash", view_func=crash)
    answer = app.test_client().get("/crash")
    unhandled, access = logged(capsys)
    assert answer.status_code == 500
    assert "hunter2" not in answer.text
    assert "hunter2" in str(unhandled["error"])
    assert access["level"] == "error"
    assert access["request_id"] == unhandled["request_id"]


def test_the_environment_sets_port_and_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PORT", raising=False)
    monkeypatch.delenv("FLASK_ENV", raising=False)
    assert (port(), environment()) == (5000, "production")
    monkeypatch.setenv("PORT", "8123")
    assert port() == 8123
