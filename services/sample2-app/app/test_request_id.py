"""Request ids."""

import asyncio
import logging
import re

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send

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


def test_no_id_outlives_its_request() -> None:
    seen: list[str] = []

    async def inner(scope: Scope, receive: Receive, send: Send) -> None:
        del scope, receive, send
        seen.append(request_id.current.get())

    async def nothing_more() -> Message:
        return {"type": "http.disconnect"}

    async def nowhere(_: Message) -> None:
        raise AssertionError("nothing is answered here")

    async def answer() -> None:
        scope = {"type": "http", "headers": [(b"x-request-id", b"abc")]}
        await request_id.RequestId(inner)(scope, nothing_more, nowhere)
        seen.append(request_id.current.get())

    asyncio.run(answer())
    assert seen == ["abc", ""]
