"""Network namespaces without names: held by a descriptor, entered by a thread.

Called by network.py. A namespace lives as long as somebody has it open, so there is nothing to
clean up: when this process dies, the kernel takes the namespace and all devices in it down. A
socket belongs to the namespace that its thread was in when it was made; afterwards any thread may
use it.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from drydock.runtime.errors import RuntimeFault
from drydock.runtime.programs import require
from drydock.runtime.syscalls import CLONE_NEWNET, setns, unshare

T = TypeVar("T")
_COMMAND_SECONDS = 30.0


class Namespace:
    """A network namespace; `path` can be opened by the programs that this process starts."""

    def __init__(self) -> None:
        self.descriptor = _in_thread(_create)

    @property
    def path(self) -> Path:
        """A path that names the namespace as long as it is not closed."""
        return Path(f"/proc/{os.getpid()}/fd/{self.descriptor}")

    def call(self, function: Callable[[], T]) -> T:
        """Call `function` in a thread inside the namespace. Blocking."""

        def inside() -> T:
            setns(self.descriptor, CLONE_NEWNET)
            return function()

        return _in_thread(inside)

    def close(self) -> None:
        """Let go; the namespace ends with its last process or socket."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


class Resident:
    """Threads that live in a namespace: one runs programs there, one makes sockets for the event loop.

    Two of them, so that a connection never waits for `ip` or `nft`, which take their time where many pods
    start and end.
    """

    def __init__(self, namespace: Namespace) -> None:
        self._programs = _thread_in(namespace, "netns-programs")
        self._sockets = _thread_in(namespace, "netns-sockets")

    async def call(self, function: Callable[[], T]) -> T:
        """Call `function`, which may take its time, inside the namespace; one after the other."""
        return await asyncio.get_running_loop().run_in_executor(self._programs, function)

    async def socket(self) -> socket.socket:
        """Make a TCP socket that belongs to the namespace, ready for the event loop."""
        making = asyncio.get_running_loop().run_in_executor(self._sockets, _tcp_socket)
        try:
            made = await asyncio.shield(making)
        except asyncio.CancelledError:
            # The thread makes it all the same, and nobody else would close it.
            making.add_done_callback(_close_made)
            raise
        made.settimeout(0)
        return made

    def close(self) -> None:
        """End the threads."""
        self._programs.shutdown()
        self._sockets.shutdown()


def inside(path: Path, function: Callable[[], T]) -> T:
    """Call `function` in a thread inside the namespace that `path` names (an endpoint's).

    Blocking.
    """

    def body() -> T:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            setns(descriptor, CLONE_NEWNET)
        finally:
            os.close(descriptor)
        return function()

    return _in_thread(body)


def _thread_in(namespace: Namespace, name: str) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(
        max_workers=1,
        thread_name_prefix=name,
        initializer=setns,
        initargs=(namespace.descriptor, CLONE_NEWNET),
    )


def _tcp_socket() -> socket.socket:
    return socket.socket(socket.AF_INET, socket.SOCK_STREAM)


def _close_made(making: asyncio.Future[socket.socket]) -> None:
    if making.exception() is None:
        making.result().close()


def _in_thread(function: Callable[[], T]) -> T:
    """Call `function` in a thread of its own: one that changed its namespace is spoiled."""
    results: list[T] = []
    errors: list[BaseException] = []

    def body() -> None:
        try:
            results.append(function())
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            errors.append(error)

    thread = threading.Thread(target=body, name="netns")
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]


def _create() -> int:
    unshare(CLONE_NEWNET)
    # Services that do not run as root may listen on any port, as Docker has it.
    Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").write_text("0")
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def ip_batch(lines: Sequence[str]) -> None:
    """Run `ip` commands in the namespace of the calling thread.

    RuntimeFault with its message if one fails.
    """
    run_program("ip", ["-batch", "-"], "\n".join(lines) + "\n")


def run_program(program: str, arguments: Sequence[str], text: str) -> None:
    """Run a host program with `text` on its standard input.

    RuntimeFault with its message if it fails.
    """
    done = subprocess.run(
        [require(program), *arguments],
        input=text,
        text=True,
        capture_output=True,
        check=False,
        timeout=_COMMAND_SECONDS,
    )
    if done.returncode != 0:
        raise RuntimeFault(f"{program} failed: {done.stderr.strip() or done.stdout.strip()}")
