"""Cache volumes: one folder per key, shared, in turns, or one copy each; locks end with their holder."""

from __future__ import annotations

import asyncio
from pathlib import Path

from drydock.engine.process.volumes import LOCKED, PRIVATE, VolumeUse, opened
from drydock.runtime.state import StateDir


async def test_a_volume_keeps_what_was_put_into_it(state: StateDir) -> None:
    async with opened(state, VolumeUse("v")) as folder:
        (folder / "f").write_text("kept")
    async with opened(state, VolumeUse("v")) as folder:
        assert (folder / "f").read_text() == "kept"
    async with opened(state, VolumeUse("w")) as folder:
        assert list(folder.iterdir()) == []


async def test_a_new_volume_is_filled_once(state: StateDir) -> None:
    async def fill(folder: Path) -> None:
        (folder / "seed").write_text("seed")

    use = VolumeUse("v", fill=fill)
    async with opened(state, use) as folder:
        (folder / "seed").write_text("changed")
    async with opened(state, use) as folder:
        assert (folder / "seed").read_text() == "changed"


async def test_shared_lets_everybody_in(state: StateDir) -> None:
    use = VolumeUse("v")
    async with opened(state, use) as one, opened(state, use) as other:
        assert one == other


async def test_locked_waits_for_its_turn(state: StateDir) -> None:
    use = VolumeUse("v", LOCKED)
    order: list[str] = []
    entered = asyncio.Event()

    async def second() -> None:
        async with opened(state, use):
            order.append("second in")

    async with opened(state, use):
        task = asyncio.create_task(second())
        entered.set()
        # Many turns of the loop: time enough for the other to get in, if it could.
        for _ in range(50):
            await asyncio.sleep(0.001)
        order.append("first out")
    await task
    assert order == ["first out", "second in"]


async def test_a_waiting_command_can_be_cancelled(state: StateDir) -> None:
    use = VolumeUse("v", LOCKED)

    async def wait() -> None:
        async with opened(state, use):
            raise AssertionError("it should never get in")

    async with opened(state, use):
        task = asyncio.create_task(wait())
        await asyncio.sleep(0.01)
        task.cancel()
        assert (await asyncio.gather(task, return_exceptions=True))[0].__class__ is (
            asyncio.CancelledError
        )


async def test_private_takes_a_free_copy(state: StateDir) -> None:
    use = VolumeUse("v", PRIVATE)
    async with opened(state, use) as one:
        (one / "f").write_text("one")
        async with opened(state, use) as other:
            assert other != one
            assert list(other.iterdir()) == []
    async with opened(state, use) as again:
        assert (again / "f").read_text() == "one"
