"""Snapshots (being filled)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from drydock.runtime.image import LayerBlob
from drydock.runtime.state import StateDir


@dataclass(frozen=True)
class Snapshot:
    """Immutable stack of layer directories."""

    id: str


class Edit:
    """A writable mount on top of a snapshot."""

    path: Path

    async def commit(self) -> Snapshot:
        raise NotImplementedError


class SnapshotStore:
    """Overlayfs stacks in a state directory."""

    def __init__(self, state: StateDir) -> None:
        raise NotImplementedError

    @property
    def empty(self) -> Snapshot:
        raise NotImplementedError

    def get(self, id: str) -> Snapshot | None:  # noqa: A002
        raise NotImplementedError

    @asynccontextmanager
    async def edit(self, parent: Snapshot) -> AsyncIterator[Edit]:
        raise NotImplementedError
        yield

    @asynccontextmanager
    async def view(self, snapshot: Snapshot) -> AsyncIterator[Path]:
        raise NotImplementedError
        yield

    async def export_layer(
        self,
        snapshot: Snapshot,
        base: Snapshot | None = None,
        *,
        compression: str = "gzip",
        mtime: int | None = None,
    ) -> LayerBlob:
        """Write what `snapshot` adds over `base` (default: the empty tree) as a blob of the state directory."""
        raise NotImplementedError

    async def apply_layer(self, parent: Snapshot, tar: Path) -> Snapshot:
        """Unpack a layer (plain, gzip or zstd tar with OCI whiteouts) over `parent`."""
        raise NotImplementedError

    async def prune(self, keep: Iterable[Snapshot]) -> int:
        """Remove every snapshot that is not needed by `keep`; return the bytes freed."""
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError
