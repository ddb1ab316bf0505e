"""The work queue."""

from __future__ import annotations

import asyncio

from drydock.cluster.controllers.queue import WorkQueue


async def test_a_key_waits_once_however_often_it_is_added():
    """Three wishes for one key are one piece of work."""
    queue: WorkQueue[str] = WorkQueue()
    for _ in range(3):
        queue.add("a")
    queue.add("b")
    assert [await queue.get(), await queue.get()] == ["a", "b"]


async def test_a_key_is_never_worked_on_twice_at_the_same_time():
    """A wish that comes during the work is kept until the work is done."""
    queue: WorkQueue[str] = WorkQueue()
    queue.add("a")
    assert await queue.get() == "a"
    queue.add("a")
    waiting = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    assert not waiting.done()
    queue.done("a")
    assert await waiting == "a"


async def test_the_earliest_of_several_later_wishes_counts():
    """A nearer moment replaces a farther one, and not the other way round."""
    queue: WorkQueue[str] = WorkQueue()
    queue.add_after("a", 3600)
    queue.add_after("a", 0.001)
    queue.add_after("a", 3600)
    assert await asyncio.wait_for(queue.get(), 5) == "a"
    queue.close()


async def test_failures_in_a_row_wait_longer_each_time():
    """The delay doubles until the row is forgotten."""
    queue: WorkQueue[str] = WorkQueue(first_delay=100)
    loop = asyncio.get_running_loop()

    def wait() -> float:
        timer = queue._timers.pop("a")
        timer.cancel()
        return round(timer.when() - loop.time())

    delays = []
    for _ in range(3):
        queue.retry("a")
        delays.append(wait())
    assert delays == [30, 30, 30]  # the longest delay caps it
    queue.forget("a")
    quick: WorkQueue[str] = WorkQueue(first_delay=1)
    for expected in (1, 2, 4):
        quick.retry("a")
        timer = quick._timers.pop("a")
        timer.cancel()
        assert round(timer.when() - loop.time()) == expected


async def test_a_paced_key_rests_after_its_turn():
    """Wishes that come while a key rests are one piece of work, and other keys do not wait."""
    queue: WorkQueue[str] = WorkQueue(pace=3600)
    queue.add("a")
    assert await queue.get() == "a"
    queue.done("a")
    for _ in range(3):
        queue.add("a")
    queue.add("b")
    assert await queue.get() == "b"
    waiting = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    assert not waiting.done()
    queue._resting["a"].cancel()
    queue._rested("a")
    assert await waiting == "a"
    queue.close()
