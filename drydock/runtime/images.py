"""ImageStore (being filled)."""

from __future__ import annotations

from asyncio import StreamReader, StreamWriter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from drydock.runtime.image import Image, ImageConfig
from drydock.runtime.network import Network
from drydock.runtime.runner import Runner
from drydock.runtime.snapshot import Snapshot, SnapshotStore
from drydock.runtime.state import StateDir

Dial = Callable[[str, int], Awaitable[tuple[StreamReader, StreamWriter]]]
"""Opens the TCP connection to (host, port); replaces the direct one, e.g. for `registry_service` tunnels."""


@dataclass(frozen=True)
class Auth:
    """Credentials for one registry; never printed."""

    username: str
    secret: str


class ImageStore:
    """Reference -> Image with a Snapshot: registries and mirrors first, recipe second."""

    def __init__(
        self,
        state: StateDir,
        snapshots: SnapshotStore,
        *,
        runner: Runner | None = None,
        network: Network | None = None,
        notice: Callable[[str], None] | None = None,
    ) -> None:
        raise NotImplementedError

    async def resolve(
        self,
        reference: str,
        *,
        dial: Dial | None = None,
        auth: Auth | None = None,
        platform: str = "linux/amd64",
    ) -> str:
        """Return the reference with the digest that its tag names now (ends in `@sha256:...`)."""
        raise NotImplementedError

    async def pull(
        self,
        reference: str,
        *,
        dial: Dial | None = None,
        auth: Auth | None = None,
        platform: str = "linux/amd64",
    ) -> Image:
        raise NotImplementedError

    async def assemble(
        self, config: ImageConfig, snapshot: Snapshot, *, base: Image | None = None
    ) -> Image:
        """Make an image of a snapshot: the layers of `base` are reused, the difference becomes one layer."""
        raise NotImplementedError

    async def push(
        self, image: Image, reference: str, *, dial: Dial | None = None, auth: Auth | None = None
    ) -> str:
        """Push to a registry; return the reference with digest."""
        raise NotImplementedError

    async def write_archive(
        self, image: Image, path: Path, *, format: Literal["oci", "docker"] = "oci", tag: str = ""
    ) -> None:  # noqa: A002
        """Write a tar archive of an image (OCI layout or docker-archive)."""
        raise NotImplementedError

    async def read_archive(self, path: Path, *, tag: str = "") -> Image:
        """Import an OCI layout directory, an OCI layout tar or a docker-archive tar."""
        raise NotImplementedError
