"""Programs that the engine asks are bounded, and end with whoever asked."""

from __future__ import annotations

import asyncio
import contextlib
import os
from pathlib import Path

import pytest

from drydock.engine.errors import EngineError
from drydock.engine.program import run

ENV = {"PATH": os.defpath}


def runs(mark: str) -> bool:
    """Tell whether a process has this word on its command line."""
    found = False
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # one that ended meanwhile
            found = found or mark.encode() in path.read_bytes().split(b"\0")
    return found


async def test_output_and_code_come_back(tmp_path: Path) -> None:
    script = "cat; echo wrong >&2; exit 3"
    ended = await run("sh", "-c", script, cwd=tmp_path, env=ENV, seconds=60, stdin=b"in")
    assert (ended.code, ended.out, ended.err) == (3, b"in", b"wrong\n")


async def test_one_that_does_not_end_is_ended_and_named(tmp_path: Path) -> None:
    mark = f"32{os.getpid()}"
    with pytest.raises(EngineError, match="sleep did not end within 0 seconds"):
        await run("sleep", mark, cwd=tmp_path, env=ENV, seconds=0.01)
    assert not runs(mark)


async def test_one_that_nobody_waits_for_is_ended(tmp_path: Path) -> None:
    mark = f"33{os.getpid()}"
    asking = asyncio.create_task(run("sleep", mark, cwd=tmp_path, env=ENV, seconds=60))
    while not runs(mark):  # noqa: ASYNC110 - a process that starts sends no event
        await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert not runs(mark)
