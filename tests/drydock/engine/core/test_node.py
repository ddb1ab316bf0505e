"""Ids: equal calls, equal ids; they load in another session and after a restart."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drydock.engine.engine import Engine
from drydock.engine.node import illegal_base64_at
from drydock.engine.session import Session
from drydock.runtime.state import StateDir

MAKE = '{ error(message: "m") { withValue(name: "k", value: "1") { id } } }'
LOAD = "query($i: ID!) { node(id: $i) { __typename ... on Error { message values { name } } } }"


async def made(session: Session) -> str:
    _, answer = await session.client.query(MAKE)
    return str(answer["data"]["error"]["withValue"]["id"])


async def test_equal_calls_have_equal_ids_in_every_session(engine: Engine, tmp_path: Path) -> None:
    one, other = engine.open_session(tmp_path, {}), engine.open_session(tmp_path, {})
    assert await made(one) == await made(other)


async def test_id_loads_after_the_engine_was_restarted(state: StateDir, tmp_path: Path) -> None:
    first = Engine(state)
    id_ = await made(first.open_session(tmp_path, {}))
    await first.close()
    second = Engine(StateDir(state.root))
    try:
        session = second.open_session(tmp_path, {})
        _, answer = await session.client.query(LOAD, {"i": id_})
    finally:
        await second.close()
    assert answer["data"]["node"] == {
        "__typename": "Error",
        "message": "m",
        "values": [{"name": "k"}],
    }


async def test_plaintext_is_in_no_recipe(engine: Engine, session: Session) -> None:
    """What `setSecret` was given is neither in the index nor in a span."""
    await session.client.query('{ setSecret(name: "n", plaintext: "hunter2-x") { id name } }')
    engine.nodes.flush()
    shown: list[object] = []
    with session.trace.followed_by(shown.append):
        assert "hunter2-x" not in repr(shown)
    for file in engine.state.root.glob("index.db*"):
        assert b"hunter2-x" not in file.read_bytes()


@given(st.binary(max_size=60))
def test_encoded_text_is_legal(data: bytes) -> None:
    assert illegal_base64_at(base64.b64encode(data)) is None


@pytest.mark.parametrize(("text", "offset"), [("garbage", 4), ("ab cd", 2), ("abc", 0), ("é", 0)])
def test_first_illegal_byte_is_found(text: str, offset: int) -> None:
    assert illegal_base64_at(text.encode()) == offset
