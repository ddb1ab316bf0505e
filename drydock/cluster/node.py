"""What the API asks of a node: logs, exec and port-forward of a pod.

The API's streaming endpoints call it; the kubelet implements it. A cluster started with
`--kubelet=off` has no node, and the API answers those calls the way a real one does when it
cannot reach the kubelet. Invariant: a pod is named by namespace and name, and every stream ends
when its task is cancelled.
"""

from __future__ import annotations

from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Protocol


class NodeError(Exception):
    """A request that the node refuses; `status` is the HTTP status of the API's answer."""

    def __init__(self, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class LogOptions:
    """What `kubectl logs` may ask for; `None` means without that limit."""

    follow: bool = False
    previous: bool = False
    timestamps: bool = False
    tail_lines: int | None = None
    since_seconds: float | None = None
    since_time: str | None = None
    limit_bytes: int | None = None


class Node(Protocol):
    """The node's side of the pod subresources."""

    def logs(
        self, namespace: str, pod: str, container: str, options: LogOptions
    ) -> AsyncIterator[bytes]:
        """Yield whole lines of a container's log; raises NodeError before the first of them."""
        ...

    async def exec(
        self,
        namespace: str,
        pod: str,
        container: str,
        command: list[str],
        *,
        stdin: AsyncIterator[bytes] | None,
        stdout: Callable[[bytes], None],
        stderr: Callable[[bytes], None],
        tty: bool,
    ) -> int:
        """Run a command in a running container and return its exit code."""
        ...

    async def attach(
        self,
        namespace: str,
        pod: str,
        container: str,
        *,
        stdin: AsyncIterator[bytes] | None,
        stdout: Callable[[bytes], None],
        stderr: Callable[[bytes], None],
    ) -> None:
        """Follow the output of a container from now on, and type into it, until it ends."""
        ...

    async def port_forward(
        self, namespace: str, pod: str, port: int
    ) -> tuple[StreamReader, StreamWriter]:
        """Connect to a port inside the pod's network."""
        ...
