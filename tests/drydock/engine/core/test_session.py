"""Sessions end with their client and take their work along."""

from __future__ import annotations

import asyncio

from drydock.engine.engine import Engine
from drydock.engine.field import Call, Resolver
from drydock.engine.session import Session

SDL = "extend type Query { hang: String! }"


class Hanging:
    """A resolver that never ends by itself."""

    def __init__(self) -> None:
        self.started, self.ended = asyncio.Event(), asyncio.Event()

    async def __call__(self, _: object, __: Call) -> str:
        self.started.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.ended.set()
        return ""


async def test_closing_cancels_running_queries(engine: Engine, session: Session) -> None:
    hang = Hanging()
    session.extend_schema(SDL, {"Query.hang": Resolver("Query.hang", hang)})
    task = asyncio.create_task(session.client.query("{ hang }"))
    session.client.tasks.add(task)
    await hang.started.wait()
    await session.close()
    assert hang.ended.is_set()
    assert engine.sessions == {}
    assert engine.client(session.client.token) is None


async def test_closers_run_latest_first_even_if_one_fails(session: Session) -> None:
    seen: list[int] = []

    def closer(number: int, *, fails: bool = False) -> None:
        async def close() -> None:
            seen.append(number)
            if fails:
                raise OSError("gone")

        session.on_close(close)

    closer(1)
    closer(2, fails=True)
    closer(3)
    await session.close()
    await session.close()
    assert seen == [3, 2, 1]


async def test_part_is_made_once_per_session(engine: Engine, session: Session) -> None:
    class Room:
        def __init__(self, owner: Session) -> None:
            self.owner = owner

    other = engine.open_session(session.workdir, {})
    assert session.part(Room) is session.part(Room)
    assert other.part(Room) is not session.part(Room)
    assert session.part(Room).owner is session


async def test_function_call_has_a_token_and_end_of_its_own(
    engine: Engine, session: Session
) -> None:
    call = session.new_client(session.client.schema, session.client.span, scope="module")
    assert engine.client(call.token) is call
    await session.drop_client(call)
    assert engine.client(call.token) is None
    assert engine.client(session.client.token) is session.client
