"""What probes and hooks do to a container: a request, a connection, a command, a pause.

Invariant: every action ends within its time, and a failure is told in the kubelet's words.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from asyncio import StreamReader, StreamWriter
from collections.abc import Awaitable, Callable
from typing import Protocol

from drydock.cluster.errors import Obj
from drydock.cluster.kubelet.grpc_health import SERVING, NoAnswer, check

USER_AGENT = "kube-probe/1.36"
OUTPUT_LIMIT = 10 * 1024
HEAD_LIMIT = 64 * 1024


class ActionError(Exception):
    """The action failed; the text is what the event says."""


class Target(Protocol):
    """The container that an action is about."""

    spec: Obj

    @property
    def address(self) -> str:
        """Return the pod's address."""
        ...

    async def connect(self, host: str, port: int) -> tuple[StreamReader, StreamWriter]:
        """Connect into the pod's network."""
        ...

    async def execute(self, args: tuple[str, ...], sink: Callable[[bytes], None]) -> int:
        """Run a command in the container, both its streams into one sink."""
        ...


async def perform(action: Obj, target: Target, *, timeout: float) -> None:  # noqa: ASYNC109
    """Do what a probe or a handler names; raises ActionError."""
    if "httpGet" in action:
        await _bounded(_http(action["httpGet"], target), timeout, _http_late(action, target))
    elif "tcpSocket" in action:
        port = port_of(action["tcpSocket"]["port"], target.spec)
        host = action["tcpSocket"].get("host") or target.address
        text = f"dial tcp {host}:{port}: i/o timeout"
        await _bounded(_tcp(host, port, target), timeout, text)
    elif "grpc" in action:
        late = f"timeout: health rpc did not complete within {timeout:g}s"
        await _bounded(_grpc(action["grpc"], target), timeout, late)
    elif "exec" in action:
        command = action["exec"].get("command") or []
        text = f'command timed out: "{" ".join(command)}" timed out after {timeout:g}s'
        await _bounded(_exec(tuple(command), target), timeout, text)
    elif "sleep" in action:
        await asyncio.sleep(min(action["sleep"]["seconds"], timeout))


def port_of(port: int | str, container: Obj) -> int:
    """Resolve a port by number or by name."""
    if isinstance(port, int):
        return port
    for one in container.get("ports") or []:
        if one.get("name") == port:
            return int(one["containerPort"])
    if port.isdigit():
        return int(port)
    raise ActionError(f"couldn't find port: {port}")


async def _bounded(work: Awaitable[None], timeout: float, late: str) -> None:  # noqa: ASYNC109
    try:
        async with asyncio.timeout(timeout):
            await work
    except TimeoutError as error:
        raise ActionError(late) from error


def _url(action: Obj, target: Target) -> tuple[str, str, int, str]:
    scheme = action.get("scheme", "HTTP").lower()
    host = action.get("host") or target.address
    port = port_of(action["port"], target.spec)
    path = action.get("path") or "/"
    return scheme, host, port, path if path.startswith("/") else f"/{path}"


def _http_late(action: Obj, target: Target) -> str:
    scheme, host, port, path = _url(action["httpGet"], target)
    cause = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
    return f'Get "{scheme}://{host}:{port}{path}": {cause}'


async def _http(action: Obj, target: Target) -> None:
    scheme, host, port, path = _url(action, target)
    url = f"{scheme}://{host}:{port}{path}"
    headers = {"Host": f"{host}:{port}", "User-Agent": USER_AGENT, "Accept": "*/*"}
    headers |= {one["name"]: one["value"] for one in action.get("httpHeaders") or []}
    lines = [f"GET {path} HTTP/1.1", *(f"{k}: {v}" for k, v in headers.items())]
    request = "\r\n".join([*lines, "Connection: close", "", ""]).encode()
    try:
        reader, writer = await target.connect(host, port)
    except OSError as error:
        raise ActionError(f'Get "{url}": {_refused(host, port, error)}') from error
    try:
        if scheme == "https":
            await writer.start_tls(_trusting(), server_hostname=host)
        writer.write(request)
        await writer.drain()
        status = await reader.readline()
    except (OSError, asyncio.IncompleteReadError) as error:
        raise ActionError(f'Get "{url}": {_plain(error)}') from error
    finally:
        writer.close()
    words = status.split()
    if len(words) < 2 or not words[1].isdigit():
        raise ActionError(f'Get "{url}": EOF')
    if not 200 <= int(words[1]) < 400:
        raise ActionError(f"HTTP probe failed with statuscode: {int(words[1])}")


async def _tcp(host: str, port: int, target: Target) -> None:
    try:
        _, writer = await target.connect(host, port)
    except OSError as error:
        raise ActionError(_refused(host, port, error)) from error
    writer.close()


async def _grpc(action: Obj, target: Target) -> None:
    host, port = target.address, int(action["port"])
    try:
        reader, writer = await target.connect(host, port)
    except OSError as error:
        why = f"failed to connect service {host}:{port}: {_refused(host, port, error)}"
        raise ActionError(f"error: {why}") from error
    try:
        state = await check(reader, writer, f"{host}:{port}", action.get("service") or "")
    except (NoAnswer, ConnectionError) as error:
        why = str(error) if isinstance(error, NoAnswer) else "the connection was closed"
        raise ActionError(f"error: health rpc probe failed: {why}") from error
    finally:
        writer.close()
    if state != SERVING:
        raise ActionError(f'service unhealthy (responded with "{state}")')


async def _exec(command: tuple[str, ...], target: Target) -> None:
    output = bytearray()

    def take(piece: bytes) -> None:
        output.extend(piece[: OUTPUT_LIMIT - len(output)])

    code = await target.execute(command, take)
    if code != 0:
        raise ActionError(output.decode(errors="replace") or f"command exited with {code}")


def _refused(host: str, port: int, error: OSError) -> str:
    return f"dial tcp {host}:{port}: connect: {_plain(error)}"


def _plain(error: Exception) -> str:
    # asyncio puts the address into `strerror`; the number says what a kubelet would.
    number = getattr(error, "errno", None)
    text = os.strerror(number) if number and number > 0 else str(error) or "EOF"
    return str(text)[:1].lower() + str(text)[1:]


def _trusting() -> ssl.SSLContext:
    """Return a context that takes any certificate: a probe checks life, not identity."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
