"""The processes of a machine: how each is started, when it is ready, how it is ended.

The supervisor is the only caller. A child never outlives it: the registry asks the kernel for SIGKILL on its parent's
death, engine and cluster hold the other end of a pipe and live in namespaces of their own.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from drydock.runtime.isolation import isolated_command
from drydock.supervisor.address_book import Machine

PYTHON = (sys.executable, "-m")
STOP_GRACE_S = 10.0
POLL_S = 0.02
FIRST = -10
"""Nice value of a session that goes first: about nine times the share of any other (sched(7), autogrouping)."""

REGISTRY_CONFIG = """\
version: 0.1
log: {{level: warn, accesslog: {{disabled: true}}}}
storage:
  filesystem: {{rootdirectory: {root}}}
  delete: {{enabled: true}}
http: {{addr: "127.0.0.1:{port}"}}
"""


@dataclass(frozen=True)
class Part:
    """One process of the machine; `said` is where its standard output goes, anew at each start."""

    name: str
    command: tuple[str, ...]
    said: Path
    is_ready: Callable[[], Awaitable[bool]]
    goes_first: bool = False
    """It gets the processor before what it starts in sessions of their own."""


class Child:
    """A running part; its errors go to `<log_dir>/<name>.log`."""

    def __init__(self, part: Part, process: Process) -> None:
        self.part = part
        self._process = process

    @classmethod
    async def start(cls, part: Part, log_dir: Path) -> Child:
        """Start the part with a pipe as its standard input: its lifeline."""
        with (log_dir / f"{part.name}.log").open("ab") as log, part.said.open("wb") as said:
            process = await asyncio.create_subprocess_exec(
                *part.command,
                stdin=asyncio.subprocess.PIPE,
                stdout=said,
                stderr=log,
                start_new_session=True,
            )
        if part.goes_first:
            _put_first(process.pid)
        return cls(part, process)

    async def ready(self) -> bool:
        """Wait until the part serves; False when it ended before."""
        while self._process.returncode is None:
            if await self.part.is_ready():
                return True
            await asyncio.sleep(POLL_S)
        return False

    async def wait(self) -> int:
        """Return the exit code, negative for a signal."""
        return await self._process.wait()

    async def stop(self) -> None:
        """Close the lifeline, then insist."""
        if self._process.returncode is not None:
            return
        assert self._process.stdin is not None  # noqa: S101 - always a pipe, see start
        self._process.stdin.close()
        if self.part.name == "registry":
            self._process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self._process.wait(), STOP_GRACE_S)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


def parts_of(machine: Machine) -> list[Part]:
    """Return the registry, the engine and the cluster of a machine."""
    return [_registry(machine), _engine(machine), _cluster(machine)]


def _registry(machine: Machine) -> Part:
    config = machine.run_dir / "registry.yml"
    storage = machine.state_dir / "registry"
    storage.mkdir(parents=True, exist_ok=True)
    config.write_text(REGISTRY_CONFIG.format(root=storage, port=machine.ports.registry))
    command = ("setpriv", "--pdeathsig", "KILL", "docker-registry", "serve", str(config))
    port = machine.ports.registry
    return Part("registry", command, machine.run_dir / "registry.said", lambda: _listens(port))


def _engine(machine: Machine) -> Part:
    command = (*PYTHON, "drydock.engine", "--control", str(machine.control_socket), "--lifeline")
    return _announcing("engine", command, machine)


def _cluster(machine: Machine) -> Part:
    command = (*PYTHON, "drydock.cluster", "--kubeconfig", str(machine.kubeconfig), "--lifeline")
    kubelet = ("--kubelet", "on" if machine.kubelet else "off")
    # Each container is a session, and sessions share alike: where many pods start at once, the API, their
    # probes and the ways to them would stand still for seconds. A real node keeps a share for these, too.
    return _announcing("cluster", (*command, *kubelet), machine, goes_first=True)


def _announcing(
    name: str, command: tuple[str, ...], machine: Machine, *, goes_first: bool = False
) -> Part:
    """Make a part that prints one line as soon as it serves."""
    said = machine.run_dir / f"{name}.said"

    async def is_ready() -> bool:
        return said.stat().st_size > 0

    return Part(name, tuple(isolated_command(command)), said, is_ready, goes_first=goes_first)


def _put_first(leader: int) -> None:
    """Give a session more of the processor than others, where the kernel shares it among sessions at all."""
    with suppress(OSError):
        Path(f"/proc/{leader}/autogroup").write_text(str(FIRST))


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True


def port_is_free(port: int) -> bool:
    """Tell whether a process may listen on this port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def tail(log: Path, lines: int = 15) -> str:
    """Return the last lines of a log, for an error message."""
    if not log.exists():
        return ""
    with log.open("rb") as stream:
        stream.seek(max(0, os.fstat(stream.fileno()).st_size - 16_384))
        return "\n".join(stream.read().decode(errors="replace").splitlines()[-lines:])
