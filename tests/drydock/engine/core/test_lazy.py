"""Lazy values: evaluated once, shared while under way, failures forgotten."""

from __future__ import annotations

import asyncio

import pytest

from drydock.engine.errors import EngineError
from drydock.engine.lazy import Lazy, flights


async def test_equal_keys_are_evaluated_once_when_asked_at_the_same_time() -> None:
    runs = 0
    going_on = asyncio.Event()

    async def thunk() -> int:
        nonlocal runs
        runs += 1
        await going_on.wait()
        return 7

    one, other = Lazy.make("k", thunk), Lazy.make("k", thunk)
    waiting = [asyncio.create_task(lazy.get()) for lazy in (one, one, other)]
    await asyncio.sleep(0)
    going_on.set()
    assert await asyncio.gather(*waiting) == [7, 7, 7]
    assert runs == 1


async def test_failure_is_not_kept() -> None:
    outcomes = iter([EngineError("no"), None])

    async def thunk() -> str:
        if error := next(outcomes):
            raise error
        return "yes"

    lazy = Lazy.make("f", thunk)
    with pytest.raises(EngineError) as caught:
        await lazy.get()
    assert caught.value.lazy
    assert caught.value.text.startswith("no [traceparent:")
    assert await lazy.get() == "yes"


async def test_cancelled_waiter_does_not_cancel_what_others_wait_for() -> None:
    going_on = asyncio.Event()

    async def thunk() -> str:
        await going_on.wait()
        return "done"

    patient = asyncio.create_task(Lazy.make("c", thunk).get())
    hasty = asyncio.create_task(Lazy.make("c", thunk).get())
    await asyncio.sleep(0)
    hasty.cancel()
    await asyncio.gather(hasty, return_exceptions=True)
    going_on.set()
    assert await patient == "done"


async def test_work_nobody_waits_for_is_cancelled() -> None:
    ended = asyncio.Event()

    async def thunk() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    waiter = asyncio.create_task(Lazy.make("n", thunk).get())
    await asyncio.sleep(0.01)
    waiter.cancel()
    await asyncio.wait_for(ended.wait(), 5)
    assert not flights().running


async def test_error_keeps_its_innermost_trace() -> None:
    async def inner() -> str:
        raise EngineError("x")

    first = Lazy.make("i", inner)
    with pytest.raises(EngineError) as caught:
        await first.get()
    trace = caught.value.traceparent
    caught.value.mark_lazy("other")
    assert caught.value.traceparent == trace
