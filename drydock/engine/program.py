"""Programs of the machine that the engine asks something: bounded in time, ended with whoever asked."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from drydock.engine.errors import EngineError


@dataclass(frozen=True)
class Ended:
    """What a program left."""

    code: int
    out: bytes
    err: bytes


async def run(
    *command: str, cwd: Path, env: Mapping[str, str], seconds: float, stdin: bytes = b""
) -> Ended:
    """Run a program to its end; EngineError when that takes longer than `seconds`."""
    child = await asyncio.create_subprocess_exec(
        *command,
        cwd=cwd,
        env=dict(env),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, err = await asyncio.wait_for(child.communicate(stdin), seconds)
    except TimeoutError:
        raise EngineError(f"{command[0]} did not end within {seconds:.0f} seconds") from None
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    return Ended(child.returncode or 0, out, err)
