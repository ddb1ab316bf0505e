"""The one form of errors, and what stays in the log."""

from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI, HTTPException
from fastapi.responses import StreamingResponse
from starlette.testclient import TestClient

from conftest import Logged


def test_an_unknown_path_is_answered_as_json(client: TestClient) -> None:
    answer = client.get("/nothing", headers={"X-Request-ID": "abc"})
    assert answer.status_code == 404
    assert answer.json() == {
        "error": "Not Found",
        "detail": "There is nothing at this address.",
        "request_id": "abc",
    }


def test_a_wrong_method_names_the_right_ones(client: TestClient) -> None:
    answer = client.post("/api/items", headers={"X-Request-ID": "abc"})
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "GET, HEAD"
    assert answer.json() == {
        "error": "Method Not Allowed",
        "detail": "This address answers GET and HEAD only.",
        "request_id": "abc",
    }


def test_an_endpoints_own_error_keeps_its_sentence_and_headers(app: FastAPI) -> None:
    @app.get("/busy")
    async def busy() -> None:
        raise HTTPException(429, "Come back later.", headers={"Retry-After": "7"})

    answer = TestClient(app).get("/busy")
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "7"
    assert answer.json()["detail"] == "Come back later."


def test_a_parameter_of_the_wrong_type_is_named(app: FastAPI) -> None:
    @app.get("/page")
    async def page(number: int) -> int:
        return number

    answer = TestClient(app).get("/page?number=one")
    assert answer.status_code == 422
    assert answer.json()["error"] == "Unprocessable Entity"
    assert answer.json()["detail"].startswith("query.number: Input should be a valid integer")
    assert answer.json()["request_id"] == answer.headers["X-Request-ID"]


def test_a_crash_is_logged_and_not_told(app: FastAPI, logged: Logged) -> None:
    @app.get("/crash")
    async def crash() -> None:
        raise RuntimeError("the database is at 10.1.2.3")

    answer = TestClient(app).get("/crash")
    unhandled, request = (line for line in logged() if line["level"] == "error")
    assert answer.status_code == 500
    assert answer.json()["error"] == "Internal Server Error"
    assert "10.1.2.3" not in answer.text
    assert unhandled["message"] == "unhandled"
    assert "10.1.2.3" in str(unhandled["error"])
    assert "in crash" in str(unhandled["trace"])
    assert unhandled["request_id"] == request["request_id"] == answer.json()["request_id"]


def test_a_crash_amid_an_answer_breaks_it_off(app: FastAPI, logged: Logged) -> None:
    @app.get("/half")
    async def half() -> StreamingResponse:
        async def pieces() -> AsyncIterator[str]:
            yield "the first half"
            raise RuntimeError("no second half")

        return StreamingResponse(pieces())

    with pytest.raises(RuntimeError, match="no second half"):
        TestClient(app).get("/half")
    assert "unhandled" in [line["message"] for line in logged()]
