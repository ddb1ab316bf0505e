"""Request ids."""

import logging
import re

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from app import request_id
from conftest import Logged


@pytest.mark.parametrize("given", ["a", "trace 7/a:b", "x" * 128])
def test_a_callers_id_is_kept(client: TestClient, given: str) -> None:
    assert client.get("/", headers={"X-Request-ID": given}).headers["X-Request-ID"] == given


@pytest.mark.parametrize("given", [b"", b"x" * 129, b"caf\xe9", b"tab\there"])
def test_an_unusable_id_is_replaced(client: TestClient, given: bytes) -> None:
    answer = client.get("/", headers={b"X-Request-ID": given})
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Request-ID"])


def test_two_requests_have_two_ids(client: TestClient) -> None:
    first, second = (client.get("/").headers["X-Request-ID"] for _ in range(2))
    assert first != second


def test_lines_logged_during_a_request_name_it(app: FastAPI, logged: Logged) -> None:
    @app.get("/chatty")
    async def chatty() -> None:
        logging.getLogger("anybody").info("working")

    TestClient(app).get("/chatty", headers={"X-Request-ID": "abc"})
    assert {line["message"]: line["request_id"] for line in logged() if "request_id" in line} == {
        "working": "abc",
        "request": "abc",
    }
    assert request_id.current.get() == ""
