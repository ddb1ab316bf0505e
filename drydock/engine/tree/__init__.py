"""Trees of files: paths held inside a root, selections by patterns, copies, digests, edits of snapshots.

Directory, File, Changeset, Host and the containers' file fields stand on it. Everything that touches
files is a plain blocking function on `Path`s, run by `in_thread`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


async def in_thread(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run a blocking function in a thread; a cancelled caller still waits for its end.

    The thread works in a mount that the caller takes down when it leaves, so leaving early would pull
    the ground from under it.
    """
    task = asyncio.ensure_future(asyncio.to_thread(function, *args, **kwargs))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
