"""Runner (being filled)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from drydock.runtime.process import (
    DEFAULT_CAPABILITIES,
    ROOT,
    BindMount,
    ProcessSpec,
    Sink,
    TmpfsMount,
    User,
)
from drydock.runtime.state import StateDir

__all__ = [
    "DEFAULT_CAPABILITIES",
    "ROOT",
    "BindMount",
    "ProcessSpec",
    "Runner",
    "Running",
    "Sink",
    "TmpfsMount",
    "User",
]


class Running:
    """A container that was started."""

    pid: int

    async def wait(self) -> int:
        raise NotImplementedError

    async def signal(self, number: int) -> None:
        raise NotImplementedError

    async def exec(
        self,
        args: tuple[str, ...],
        *,
        env: Mapping[str, str] | None = None,  # default: the container's
        cwd: str | None = None,
        user: User | None = None,
        stdin: bytes = b"",
        stdout: Sink,
        stderr: Sink,
        timeout: float | None = None,
    ) -> int:
        raise NotImplementedError

    async def stop(self, grace: float = 10.0, signal: int = 15) -> int:
        """Ask it to end, kill it after `grace` seconds; return the exit code."""
        raise NotImplementedError


class Runner:
    """Runs containers by crun (runc as fallback)."""

    def __init__(self, state: StateDir) -> None:
        raise NotImplementedError

    async def run(
        self,
        rootfs: Path,
        spec: ProcessSpec,
        *,
        stdin: bytes = b"",
        stdout: Sink,
        stderr: Sink,
        timeout: float | None = None,
    ) -> int:
        raise NotImplementedError

    async def start(
        self, rootfs: Path, spec: ProcessSpec, *, stdout: Sink, stderr: Sink
    ) -> Running:
        raise NotImplementedError
