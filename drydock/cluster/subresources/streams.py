"""Logs, exec, attach and port-forward: the API stands between the client and the node.

The node (`node.py`) does the work; this file checks the request and speaks the remote-command
protocol `v5.channel.k8s.io`: one byte of channel number before each message.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable

from drydock.cluster.core import Core
from drydock.cluster.errors import ApiError, Obj, bad_request, not_found
from drydock.cluster.message import Channel, Request, Response, Upgrade
from drydock.cluster.node import LogOptions, Node, NodeError
from drydock.cluster.route import Target
from drydock.cluster.subresources.forwarding import forward
from drydock.cluster.verbs import options

STDIN, STDOUT, STDERR, ERROR, RESIZE, CLOSE = 0, 1, 2, 3, 4, 255
PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")


async def log(core: Core, target: Target, request: Request) -> Response:
    """Answer a container's log as text."""
    pod = _pod(core, target)
    container = _container(pod, request.query.get("container", ""), "container")
    node = _node(core, pod, container)
    wish = LogOptions(
        follow=options.flag(request, "follow"),
        previous=options.flag(request, "previous"),
        timestamps=options.flag(request, "timestamps"),
        tail_lines=options.whole_number(request, "tailLines"),
        since_seconds=options.whole_number(request, "sinceSeconds"),
        since_time=request.query.get("sinceTime") or None,
        limit_bytes=options.whole_number(request, "limitBytes"),
    )
    lines = node.logs(target.namespace, target.name, container, wish)
    try:
        first = await anext(lines, b"")
    except NodeError as error:
        raise _refused(error) from error
    return Response(200, _joined(first, lines), "text/plain")


async def _joined(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for line in rest:
        yield line


def command(core: Core, target: Target, request: Request) -> Response:
    """Answer an exec or attach with the connection that runs it."""
    pod = _pod(core, target)
    container = _container(pod, request.query.get("container", ""), "container")
    words = request.queries.get("command", [])
    if target.subresource == "exec" and not words:
        raise bad_request("you must specify at least 1 command for the container")
    if pod["status"].get("phase") in ("Succeeded", "Failed"):
        phase = pod["status"]["phase"]
        raise bad_request(
            f"cannot exec into a container in a completed pod; current phase is {phase}"
        )
    node = _node(core, pod, container)
    wants_input = options.flag(request, "stdin")
    tty = options.flag(request, "tty")

    async def run(channel: Channel) -> None:
        session = _Session(channel)
        pump = asyncio.create_task(session.pump())
        try:
            if target.subresource == "exec":
                code = await node.exec(
                    target.namespace,
                    target.name,
                    container,
                    words,
                    stdin=session.input() if wants_input else None,
                    stdout=session.writer(STDOUT),
                    stderr=session.writer(STDOUT if tty else STDERR),
                    tty=tty,
                )
            else:
                await node.attach(
                    target.namespace,
                    target.name,
                    container,
                    stdin=session.input() if wants_input else None,
                    stdout=session.writer(STDOUT),
                    stderr=session.writer(STDOUT if tty else STDERR),
                )
                code = 0  # how a container ended is told by its status
            status = _exit(code)
        except NodeError as error:
            status = _refused(error).status
        finally:
            pump.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await pump
        await session.finish(status)

    return Response(101, upgrade=Upgrade(PROTOCOLS, run))


def port_forward(core: Core, target: Target, _request: Request) -> Response:
    """Answer a port-forward with the connection that carries it."""
    pod = _pod(core, target)
    node = _node(core, pod, "")

    async def run(channel: Channel) -> None:
        await forward(channel, node, target.namespace, target.name)

    return Response(101, upgrade=Upgrade(("SPDY/3.1+portforward.k8s.io",), run))


class _Session:
    """One remote command on a WebSocket."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._outgoing: asyncio.Queue[bytes] = asyncio.Queue()
        self._incoming: asyncio.Queue[bytes | None] = asyncio.Queue(64)

    def writer(self, number: int) -> Callable[[bytes], None]:
        """Return a function that sends a stream's bytes to the client."""

        def write(data: bytes) -> None:
            self._outgoing.put_nowait(bytes([number]) + data)

        return write

    async def input(self) -> AsyncIterator[bytes]:
        """Yield what the client types until it closes its side."""
        while (data := await self._incoming.get()) is not None:
            yield data

    async def pump(self) -> None:
        """Move messages both ways until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._read())
            group.create_task(self._write())

    async def finish(self, status: Obj) -> None:
        """Send what is left, the status, and close."""
        while not self._outgoing.empty():
            await self._channel.send(self._outgoing.get_nowait())
        await self._channel.send(bytes([ERROR]) + json.dumps(status).encode())
        await self._channel.close()

    async def _read(self) -> None:
        while (message := await self._channel.receive()) is not None:
            if message[:1] == bytes([STDIN]):
                await self._incoming.put(message[1:])
            elif message[:1] == bytes([CLOSE]) and message[1:2] == bytes([STDIN]):
                await self._incoming.put(None)
        await self._incoming.put(None)

    async def _write(self) -> None:
        while True:
            await self._channel.send(await self._outgoing.get())


def _exit(code: int) -> Obj:
    if code == 0:
        return {"metadata": {}, "status": "Success"}
    return {
        "metadata": {},
        "status": "Failure",
        "message": f"command terminated with non-zero exit code: exit status {code}",
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }


def _pod(core: Core, target: Target) -> Obj:
    pod = core.store.get(core.key(target.resource, target.namespace, target.name))
    if pod is None:
        raise not_found(target.resource.about, target.name)
    return pod


def _container(pod: Obj, name: str, word: str) -> str:
    spec, pod_name = pod["spec"], pod["metadata"]["name"]
    known = [c["name"] for c in spec["containers"]]
    inits = [c["name"] for c in spec.get("initContainers") or ()]
    guests = [c["name"] for c in spec.get("ephemeralContainers") or ()]
    if name:
        if name not in known + inits + guests:
            raise bad_request(f"{word} {name} is not valid for pod {pod_name}")
        return name
    if len(known) == 1:
        return str(known[0])
    choice = f"choose one of: [{' '.join(known)}]"
    if inits:
        choice += f" or one of the init containers: [{' '.join(inits)}]"
    raise bad_request(f"a {word} name must be specified for pod {pod_name}, {choice}")


def _node(core: Core, pod: Obj, container: str) -> Node:
    name = pod["spec"].get("nodeName")
    if not name:
        raise bad_request(f"pod {pod['metadata']['name']} does not have a host assigned")
    if core.node is None:
        where = f"{pod['status'].get('hostIP', name)}:10250"
        text = f"Get \"https://{where}/containerLogs/{pod['metadata']['namespace']}/"
        text += f"{pod['metadata']['name']}/{container}\": this cluster runs without a kubelet"
        raise ApiError(500, "InternalError", text)
    return core.node


def _refused(error: NodeError) -> ApiError:
    reason = {400: "BadRequest", 404: "NotFound"}.get(error.status, "InternalError")
    return ApiError(error.status, reason, str(error))
