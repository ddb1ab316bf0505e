"""The one form of errors, and what stays in the log."""

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.exceptions import TooManyRequests

from conftest import Logged


def test_an_unknown_path_is_answered_as_json(client: FlaskClient) -> None:
    answer = client.get("/nothing", headers={"X-Request-ID": "abc"})
    assert answer.status_code == 404
    assert answer.json is not None
    assert answer.json["error"] == "Not Found"
    assert "not found on the server" in answer.json["detail"]
    assert answer.json["request_id"] == answer.headers["X-Request-ID"] == "abc"


def test_a_wrong_method_names_the_right_ones(client: FlaskClient) -> None:
    answer = client.post("/api/data")
    assert answer.status_code == 405
    assert answer.mimetype == "application/json"
    assert answer.headers.getlist("Content-Type") == ["application/json"]
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}


def test_an_error_without_a_sentence_still_has_a_detail(app: Flask) -> None:
    def refuse() -> str:
        raise TooManyRequests(description="", retry_after=7)

    app.add_url_rule("/refused", view_func=refuse)
    answer = app.test_client().get("/refused")
    assert answer.json is not None
    assert answer.json["detail"] == "Too Many Requests"
    assert answer.headers["Retry-After"] == "7"


def test_a_crash_is_logged_and_not_told(app: Flask, logged: Logged) -> None:
    def crash() -> str:
        raise RuntimeError("the database is at 10.1.2.3")

    app.add_url_rule("/crash", view_func=crash)
    answer = app.test_client().get("/crash")
    unhandled, request = logged()
    assert answer.status_code == 500
    assert answer.json is not None
    assert answer.json["error"] == "Internal Server Error"
    assert "10.1.2.3" not in answer.text
    assert unhandled["message"] == "unhandled"
    assert "10.1.2.3" in str(unhandled["error"])
    assert "in crash" in str(unhandled["trace"])
    assert unhandled["level"] == request["level"] == "error"
    assert unhandled["request_id"] == request["request_id"] == answer.json["request_id"]
