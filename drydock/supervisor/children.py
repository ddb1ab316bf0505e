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
from dataclasses import dataclass
from pathlib import Path

from drydock.supervisor.address_book import Machine

ISOLATED = (
    "unshare",
    "--mount",
    "--pid",
    "--fork",
    "--mount-proc",
    "--kill-child",
    "--propagation",
    "slave",
)
STOP_GRACE_S = 10.0
POLL_S = 0.02

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
    """One process of the machine."""

    name: str
    command: tuple[str, ...]
    is_ready: Callable[[], Awaitable[bool]]


class Child:
    """A running part; its output goes to `<log_dir>/<name>.log`."""

    def __init__(self, part: Part, process: Process) -> None:
        self.part = part
        self._process = process

    @classmethod
    async def start(cls, part: Part, log_dir: Path) -> Child:
        """Start the part with a pipe as its standard input: its lifeline."""
        with (log_dir / f"{part.name}.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *part.command,
                stdin=asyncio.subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
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
    return Part("registry", command, lambda: _listens(machine.ports.registry))


def _engine(machine: Machine) -> Part:
    control = machine.control_socket
    control.unlink(missing_ok=True)
    command = (
        *ISOLATED,
        sys.executable,
        "-m",
        "drydock.engine",
        "--control",
        str(control),
        "--lifeline",
    )
    return Part("engine", command, lambda: _accepts(control))


def _cluster(machine: Machine) -> Part:
    ready = machine.run_dir / "cluster.ready"
    ready.unlink(missing_ok=True)
    command = (
        *ISOLATED,
        *(sys.executable, "-m", "drydock.cluster"),
        *("--state-dir", str(machine.state_dir)),
        *("--api-port", str(machine.ports.api)),
        *("--ingress-port", str(machine.ports.ingress)),
        *("--kubelet", "on" if machine.kubelet else "off"),
        *("--kubeconfig", str(machine.kubeconfig)),
        *("--ready-file", str(ready)),
        "--lifeline",
    )

    async def is_ready() -> bool:
        return ready.exists()

    return Part("cluster", command, is_ready)


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True


async def _accepts(path: Path) -> bool:
    try:
        _, writer = await asyncio.open_unix_connection(str(path))
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
