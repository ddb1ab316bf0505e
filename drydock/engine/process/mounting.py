"""From what a container has mounted to what the runner mounts.

Called by `sandbox`. Directories and files are mounted as changeable copies (an edit of their snapshot), cache volumes as
they are, secrets as files in memory, sockets as sockets of our own. Everything is entered on the caller's exit stack.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from drydock.engine.errors import EngineError
from drydock.engine.process.mounts import (
    CacheMount,
    Mount,
    SecretMount,
    SocketMount,
    TempMount,
    TreeMount,
)
from drydock.engine.process.ownership import resolve_owner
from drydock.engine.process.secret_files import SecretFolder
from drydock.engine.process.socket_proxy import proxied
from drydock.engine.process.volumes import SHARED, opened
from drydock.engine.tree.paths import inside
from drydock.runtime.process import BindMount, TmpfsMount
from drydock.runtime.snapshot import Edit, Snapshot

if TYPE_CHECKING:
    from drydock.engine.session import Session


@dataclass
class Mounted:
    """The runner's mounts, and by position in Container.mounts the edits of what the command may change."""

    mounts: list[BindMount | TmpfsMount] = field(default_factory=list)
    edits: list[Edit | None] = field(default_factory=list)


async def open_volumes(
    stack: AsyncExitStack, session: Session, mounts: Sequence[Mount], rootfs: Snapshot
) -> dict[str, Path]:
    """Open every cache volume once; return their folders by volume.

    All commands take locks in one order, so that two never wait for each other.
    """
    uses: dict[str, CacheMount] = {}
    for mount in mounts:
        if isinstance(mount, CacheMount):
            known = uses.get(mount.volume.id)
            if known is None or known.sharing == SHARED:
                uses[mount.volume.id] = mount
    folders: dict[str, Path] = {}
    for volume, mount in sorted(uses.items()):
        owner = None
        if mount.owner:
            async with session.engine.snapshots.view(rootfs) as root:
                owner = await asyncio.to_thread(resolve_owner, root, mount.owner)
        use = mount.volume.use(session, mount.sharing, owner)
        folders[volume] = await stack.enter_async_context(opened(session.engine.state, use))
    return folders


async def mount_all(
    stack: AsyncExitStack,
    session: Session,
    wanted: Sequence[Mount],
    trees: Mapping[str, Snapshot],
    volumes: Mapping[str, Path],
    secrets: Mapping[str, bytes],
    root: Path,
) -> Mounted:
    """Prepare the mounts of one command; `trees` and `secrets` are by target, `volumes` by volume."""
    mounted = Mounted()
    snapshots = session.engine.snapshots
    for mount in wanted:
        edit: Edit | None = None
        match mount:
            case TreeMount(read_only=True):
                tree = await stack.enter_async_context(snapshots.view(trees[mount.target]))
                mounted.mounts.append(BindMount(_inside(tree, mount), mount.target, read_only=True))
            case TreeMount():
                edit = await stack.enter_async_context(snapshots.edit(trees[mount.target]))
                mounted.mounts.append(BindMount(_inside(edit.path, mount), mount.target))
            case CacheMount():
                mounted.mounts.append(BindMount(volumes[mount.volume.id], mount.target))
            case TempMount():
                mounted.mounts.append(TmpfsMount(mount.target, mount.size))
            case SecretMount():
                file = stack.enter_context(
                    session.part(SecretFolder).file(
                        secrets[mount.target], mount.mode, _owner(root, mount.owner)
                    )
                )
                mounted.mounts.append(BindMount(file, mount.target))
            case SocketMount():
                folder = session.engine.state.fresh("socket")
                socket = await stack.enter_async_context(
                    proxied(folder, mount.socket, _owner(root, mount.owner))
                )
                mounted.mounts.append(BindMount(socket, mount.target))
        mounted.edits.append(edit)
    return mounted


def _owner(root: Path, owner: str) -> tuple[int, int]:
    return resolve_owner(root, owner) if owner else (0, 0)


def _inside(tree: Path, mount: TreeMount) -> Path:
    place = inside(tree, mount.source.path)
    if not place.exists():
        raise EngineError(f"stat {mount.source.shown}: no such file or directory")
    return place
