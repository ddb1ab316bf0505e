"""What a container has mounted besides its own files.

Frozen data; `execution` turns it into what the runner mounts. Only directories and files are part of what a command leaves
behind: each command sees what the one before wrote there. Caches, temporary directories, secrets and sockets are not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from drydock.engine.lazy import Lazy
from drydock.engine.process.secret_store import Secret
from drydock.runtime.snapshot import Snapshot

if TYPE_CHECKING:
    from drydock.engine.types.cache_volume import CacheVolume
    from drydock.engine.types.directory import Directory
    from drydock.engine.types.file import File
    from drydock.engine.types.socket import Socket


@dataclass(frozen=True)
class TreeMount:
    """A directory or a file."""

    target: str
    source: Directory | File
    read_only: bool = False


@dataclass(frozen=True)
class CacheMount:
    """A cache volume."""

    target: str
    volume: CacheVolume
    sharing: str
    owner: str = ""


@dataclass(frozen=True)
class TempMount:
    """Memory that is empty for each command; `size` in bytes."""

    target: str
    size: int | None = None


@dataclass(frozen=True)
class SecretMount:
    """A secret's value as a file."""

    target: str
    secret: Secret
    owner: str = ""
    mode: int = 0o400


@dataclass(frozen=True)
class SocketMount:
    """A unix socket of the host."""

    target: str
    socket: Socket
    owner: str = ""


Mount = TreeMount | CacheMount | TempMount | SecretMount | SocketMount


def with_mount(mounts: tuple[Mount, ...], mount: Mount) -> tuple[Mount, ...]:
    """Add a mount; one with the same target is replaced and the new one comes last."""
    return (*without_mount(mounts, mount.target), mount)


def without_mount(mounts: tuple[Mount, ...], target: str) -> tuple[Mount, ...]:
    """Remove the mount at a target; an absent one is no error."""
    return tuple(old for old in mounts if old.target != target)


def holder(mounts: tuple[Mount, ...], path: str) -> tuple[Mount, str] | None:
    """Return the mount that a path lies in, and the path relative to its target ("" for the target itself).

    None if it lies in the container's own files. Secrets and sockets hide nothing from a reader: they exist only while a
    command runs.
    """
    found: tuple[Mount, str] | None = None
    for mount in mounts:
        if isinstance(mount, SecretMount | SocketMount):
            continue
        inside = path == mount.target or path.startswith(mount.target.rstrip("/") + "/")
        # The deepest one counts; of equal ones, the later.
        if inside and (found is None or len(mount.target) >= len(found[0].target)):
            found = mount, path[len(mount.target) :].lstrip("/")
    return found


def with_tree(
    mounts: tuple[Mount, ...], mount: TreeMount, tree: Lazy[Snapshot]
) -> tuple[Mount, ...]:
    """Return the mounts with another tree in one of them; what is mounted of it stays at its place."""
    source = replace(mount.source, tree=tree, content=None, identity=None)
    changed = replace(mount, source=source)
    return tuple(changed if old is mount else old for old in mounts)
