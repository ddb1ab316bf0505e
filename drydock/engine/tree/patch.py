"""Unified diffs, by git: applying one to a directory, making one of two directories."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from drydock.engine.errors import EngineError

_SECONDS = 300.0


async def run_git(
    *args: str, cwd: Path, stdin: bytes = b"", accept: tuple[int, ...] = (0,)
) -> tuple[int, bytes, bytes]:
    """Run git apart from any repository and configuration; return code, output, errors.

    EngineError for another exit code than those accepted.
    """
    environ = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": "/nonexistent",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_SYSTEM": "/dev/null",
        "GIT_DIR": "/nonexistent",
        "LC_ALL": "C",
    }
    child = await asyncio.create_subprocess_exec(
        "git",
        *args,
        cwd=cwd,
        env=environ,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, err = await asyncio.wait_for(child.communicate(stdin), _SECONDS)
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    code = child.returncode or 0
    if code not in accept:
        message = err.decode(errors="replace").strip() or f"exit status {code}"
        raise EngineError(f"git {args[0]}: {message}")
    return code, out, err


async def apply_patch(root: Path, patch: bytes) -> None:
    """Apply a unified diff (`a/`, `b/` prefixes) in a directory."""
    if patch.strip():
        await run_git("apply", "--allow-empty", "-", cwd=root, stdin=patch)


async def make_patch(folder: Path, *options: str) -> bytes:
    """Return what `git diff` says about the directories `a` and `b` in a folder."""
    args = ("diff", "--no-index", "--no-prefix", "--no-color", *options, "a", "b")
    _, out, _ = await run_git(*args, cwd=folder, accept=(0, 1))
    return out
