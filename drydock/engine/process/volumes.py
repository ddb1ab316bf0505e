"""Cache volumes: directories that outlive commands and sessions and are part of no snapshot.

One folder per volume in the state directory. SHARED lets everybody in at once. LOCKED waits for its turn, PRIVATE takes
the first copy that nobody uses and makes another one if there is none. Locks are flock(2) on a file beside the folder, so
they hold between processes and end with a process that is killed.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from drydock.runtime.state import StateDir

SHARED = "SHARED"
LOCKED = "LOCKED"
PRIVATE = "PRIVATE"

# How often a waiting command looks whether a LOCKED volume is free.
_FIRST_WAIT_SECONDS = 0.01
_LONGEST_WAIT_SECONDS = 0.5

Fill = Callable[[Path], Awaitable[None]]
"""Puts the initial content into a new volume's folder."""


@dataclass(frozen=True)
class VolumeUse:
    """One volume as one command mounts it. `id` names the volume's folder."""

    id: str
    sharing: str = SHARED
    fill: Fill | None = None
    owner: tuple[int, int] | None = None  # of the folder, when it is made


@asynccontextmanager
async def opened(state: StateDir, use: VolumeUse) -> AsyncIterator[Path]:
    """Yield the folder of a volume, made at its first use, for as long as the context lasts."""
    if use.sharing == SHARED:
        yield await _made(state, use, use.id)
        return
    async with _turn(state, use) as name:
        yield await _made(state, use, name)


@asynccontextmanager
async def _turn(state: StateDir, use: VolumeUse) -> AsyncIterator[str]:
    """Hold the lock of the volume, or of one of its private copies; yield its folder's name."""
    if use.sharing == PRIVATE:
        number = 0
        while True:
            name = use.id if number == 0 else f"{use.id}.{number}"
            with _try_lock(state, name) as held:
                if held:
                    yield name
                    return
            number += 1
    wait = _FIRST_WAIT_SECONDS
    while True:
        with _try_lock(state, use.id) as held:
            if held:
                yield use.id
                return
        # Polling, because a thread that waits in flock(2) cannot be cancelled.
        await asyncio.sleep(wait)
        wait = min(wait * 2, _LONGEST_WAIT_SECONDS)


@contextmanager
def _try_lock(state: StateDir, name: str) -> Iterator[bool]:
    descriptor = os.open(
        state.volumes / f"{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
    )
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)


async def _made(state: StateDir, use: VolumeUse, name: str) -> Path:
    """Return the volume's folder; a new one appears by a rename, filled."""
    folder = state.volumes / name
    if folder.is_dir():
        return folder
    draft = state.tmp / f"volume-{secrets.token_hex(8)}"
    draft.mkdir(mode=0o755)
    if use.fill is not None:
        await use.fill(draft)
    if use.owner is not None:
        await asyncio.to_thread(_own, draft, use.owner)
    try:
        draft.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise
        # Somebody else made it meanwhile; the draft is swept with everything else in tmp.
    return folder


def _own(folder: Path, owner: tuple[int, int]) -> None:
    os.lchown(folder, *owner)
    for path in folder.rglob("*"):
        os.lchown(path, *owner)
