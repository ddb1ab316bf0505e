"""Snapshots: immutable stacks of layer directories, made by overlayfs.

The engine, the image store and the cluster's kubelet work on snapshots. To change one is to mount
it with an upper directory (`edit`); to keep the change is to rename that directory (`commit`),
whatever its size. On disk:

    snapshots/<id>/fs          the layer: what this snapshot adds to its parent
    snapshots/<id>/meta.json   {"parent": id, "chain": [ids to mount, topmost first]}
    snapshots/<id>/flat        id of a one-layer snapshot of the same content, for long chains

A snapshot appears by one rename and never changes, so several processes may use one store; pruning
needs it alone.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import secrets
import stat
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from drydock.runtime.errors import RuntimeFault, SnapshotGone
from drydock.runtime.image import LayerBlob
from drydock.runtime.invocation import typed
from drydock.runtime.layertree import copy_attributes, extended_attributes, flatten
from drydock.runtime.mount import MAX_LAYERS, mount_overlay, mount_read_only
from drydock.runtime.pack import Compression, pack_layer
from drydock.runtime.state import StateDir, remove_tree
from drydock.runtime.syscalls import unmount
from drydock.runtime.unpack import unpack_layer

# Room for the upper directory, and for a few children that other processes make meanwhile.
_FLATTEN_FROM = MAX_LAYERS - 8
_IDLE_VIEWS = 32


@dataclass(frozen=True)
class Snapshot:
    """Immutable stack of layer directories."""

    id: str


@dataclass
class _View:
    path: Path
    users: int = 0


@dataclass(frozen=True)
class _Meta:
    parent: str | None
    chain: tuple[str, ...]


class Edit:
    """A snapshot being changed.

    `path` is the writable tree until `commit` or the end of the context.
    """

    def __init__(self, store: SnapshotStore, parent: Snapshot, folder: Path, path: Path) -> None:
        self.path = path
        self._store = store
        self._parent = parent
        self._folder = folder
        self._result: Snapshot | None = None

    async def commit(self) -> Snapshot:
        """Keep the changes.

        Return the parent itself if there are none. The tree is gone afterwards.
        """
        if self._result is None:
            self._result = await asyncio.to_thread(
                self._store._keep, self._parent, self._folder, self.path  # noqa: SLF001
            )
        return self._result


class SnapshotStore:
    """The snapshots of one state directory."""

    def __init__(self, state: StateDir) -> None:
        self._state = state
        self._root = state.snapshots
        self._meta: dict[str, _Meta] = {}
        self._views: OrderedDict[str, _View] = OrderedDict()
        self._flattening = asyncio.Lock()
        # Everybody who may hold a snapshot shares this lock; pruning takes it alone.
        self._lock = os.open(
            state.root / "snapshots.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
        )
        fcntl.flock(self._lock, fcntl.LOCK_SH)
        self._empty = self._make_empty()

    @property
    def empty(self) -> Snapshot:
        """The empty tree."""
        return self._empty

    def get(self, id: str) -> Snapshot | None:  # noqa: A002 - the contract's name
        """Return the snapshot with this id, None if it was pruned."""
        return Snapshot(id) if (self._root / id / "meta.json").exists() else None

    def parent(self, snapshot: Snapshot) -> Snapshot | None:
        """Return what `snapshot` was made from.

        None for the empty tree and for what has no known origin.
        """
        parent = self._read(snapshot.id).parent
        return None if parent is None else Snapshot(parent)

    def steps(self, snapshot: Snapshot, base: Snapshot) -> list[Snapshot] | None:
        """Return the snapshots made from `base` up to `snapshot`, the latest first.

        None if it does not descend from it.
        """
        found: list[Snapshot] = []
        current: Snapshot | None = snapshot
        while current is not None and current != base:
            found.append(current)
            current = self.parent(current) if self.get(current.id) else None
        return found if current == base else None

    @asynccontextmanager
    async def edit(self, parent: Snapshot) -> AsyncIterator[Edit]:
        """Mount `parent` writable; what is not committed is dropped at the end of the context."""
        chain = await self._mountable(parent)
        folder = self._state.fresh("edit")
        upper = folder / "fs"
        upper.mkdir()
        try:
            top = self._layer(chain[0])
            # The root of the merged tree is the upper directory itself.
            copy_attributes(top, top.lstat(), upper)
            path = upper
            if parent != self.empty:
                path = folder / "merged"
                work = folder / "work"
                path.mkdir()
                work.mkdir()
                mount_overlay(path, [self._layer(each) for each in chain], upper=upper, work=work)
            yield Edit(self, parent, folder, path)
        finally:
            if folder.exists():
                await asyncio.shield(asyncio.to_thread(self._drop, folder))

    @asynccontextmanager
    async def view(self, snapshot: Snapshot) -> AsyncIterator[Path]:
        """Mount `snapshot` read-only.

        All views of one snapshot share a mount, which outlives them for a while.
        """
        view = self._views.get(snapshot.id)
        if view is None:
            chain = await self._mountable(snapshot)
            view = self._views.get(snapshot.id) or self._mount_view(snapshot, chain)
        self._views.move_to_end(snapshot.id)
        view.users += 1
        try:
            yield view.path
        finally:
            view.users -= 1
            self._drop_idle_views(_IDLE_VIEWS)

    async def export_layer(
        self,
        snapshot: Snapshot,
        base: Snapshot | None = None,
        *,
        compression: Compression = "gzip",
        mtime: int | None = None,
    ) -> LayerBlob:
        """Store what `snapshot` adds over `base` (default: the empty tree) as one layer blob.

        Equal trees give equal bytes: names are sorted, times are whole seconds, or `mtime` (seconds
        since the epoch) for every file. If `snapshot` does not descend from `base`, ValueError.
        """
        base = base or self.empty
        steps = self.steps(snapshot, base)
        if steps is None and base != self.empty:
            raise ValueError(f"snapshot {snapshot.id} was not made from {base.id}")
        chain = (
            [step.id for step in steps]
            if steps is not None and all(self.get(step.id) for step in steps)
            else list(await self._mountable(snapshot))
        )
        layers = [self._layer(each) for each in chain if each != self.empty.id]
        async with self.view(base) as below:
            return await asyncio.to_thread(
                pack_layer, layers, below, self._state, compression, mtime
            )

    async def apply_layer(self, parent: Snapshot, tar: Path, *, diff_id: str = "") -> Snapshot:
        """Unpack a layer (plain, gzip or zstd tar with OCI whiteouts) over `parent`.

        `diff_id`: what the digest of the uncompressed tar has to be; ImageFault if it is another.
        """
        async with self.edit(parent) as edit:
            await asyncio.to_thread(unpack_layer, tar, edit.path, diff_id)
            return await edit.commit()

    def prune(self, keep: Callable[[], Iterable[Snapshot]]) -> int:
        """Remove every snapshot that those of `keep` do not need; return the bytes freed.

        Needs the store alone, RuntimeFault otherwise; `keep` is asked when that is sure. Blocking.
        """
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            fcntl.flock(self._lock, fcntl.LOCK_SH)
            raise RuntimeFault(
                f"the snapshots are in use by another process; stop it first: {typed('stop')}"
            ) from None
        try:
            self._drop_idle_views(0)
            return self._prune({snapshot.id for snapshot in keep()})
        finally:
            fcntl.flock(self._lock, fcntl.LOCK_SH)

    def close(self) -> None:
        """Take down all views and let go of the store."""
        for view in self._views.values():
            unmount(view.path)
        self._views.clear()
        os.close(self._lock)

    # -- the store on disk (blocking)

    def _layer(self, name: str) -> Path:
        return self._root / name / "fs"

    def _read(self, name: str) -> _Meta:
        if name not in self._meta:
            try:
                fields = json.loads((self._root / name / "meta.json").read_bytes())
            except FileNotFoundError:
                raise SnapshotGone(name) from None
            self._meta[name] = _Meta(fields["parent"], tuple(fields["chain"]))
        return self._meta[name]

    def _make_empty(self) -> Snapshot:
        snapshot = Snapshot("empty")
        if self.get(snapshot.id) is None:
            folder = self._state.fresh("edit")
            (folder / "fs").mkdir(mode=0o755)
            (folder / "meta.json").write_text(json.dumps({"parent": None, "chain": ["empty"]}))
            try:
                folder.rename(self._root / snapshot.id)
            except OSError:
                # Another process was quicker.
                remove_tree(folder)
        return snapshot

    async def _mountable(self, snapshot: Snapshot) -> tuple[str, ...]:
        """Return the layers to mount for `snapshot`, few enough for one mount."""
        chain = self._read(snapshot.id).chain
        if len(chain) < _FLATTEN_FROM:
            return chain
        async with self._flattening:
            return (await asyncio.to_thread(self._flatten, snapshot, chain),)

    def _flatten(self, snapshot: Snapshot, chain: tuple[str, ...]) -> str:
        mark = self._root / snapshot.id / "flat"
        try:
            return mark.read_text()
        except FileNotFoundError:
            folder = self._state.fresh("edit")
        (folder / "fs").mkdir()
        flatten([self._layer(each) for each in chain], folder / "fs")
        flat = self._register(folder, None, ())
        temporary = self._state.tmp / secrets.token_hex(8)
        temporary.write_text(flat)
        temporary.rename(mark)
        return flat

    def _register(self, folder: Path, parent: str | None, below: tuple[str, ...]) -> str:
        name = secrets.token_hex(12)
        (folder / "meta.json").write_text(json.dumps({"parent": parent, "chain": [name, *below]}))
        folder.rename(self._root / name)
        return name

    def _keep(self, parent: Snapshot, folder: Path, path: Path) -> Snapshot:
        upper = folder / "fs"
        if path != upper:
            unmount(path)
        chain = self._current_chain(parent)
        if not any(upper.iterdir()) and _same_root(upper, self._layer(chain[0])):
            remove_tree(folder)
            return parent
        for leftover in folder.iterdir():
            if leftover != upper:
                remove_tree(leftover)
        below = () if parent == self.empty else chain
        return Snapshot(self._register(folder, parent.id, below))

    def _current_chain(self, snapshot: Snapshot) -> tuple[str, ...]:
        chain = self._read(snapshot.id).chain
        mark = self._root / snapshot.id / "flat"
        return (mark.read_text(),) if len(chain) >= _FLATTEN_FROM and mark.exists() else chain

    def _drop(self, folder: Path) -> None:
        if (merged := folder / "merged").is_mount():
            unmount(merged)
        remove_tree(folder)

    def _mount_view(self, snapshot: Snapshot, chain: tuple[str, ...]) -> _View:
        path = self._state.fresh("view")
        layers = [self._layer(each) for each in chain]
        if len(layers) == 1:
            mount_read_only(layers[0], path)
        else:
            mount_overlay(path, layers)
        view = self._views[snapshot.id] = _View(path)
        return view

    def _drop_idle_views(self, limit: int) -> None:
        idle = [name for name, view in self._views.items() if view.users == 0]
        for name in idle[: max(0, len(idle) - limit)]:
            view = self._views.pop(name)
            unmount(view.path)
            view.path.rmdir()

    def _prune(self, keep: set[str]) -> int:
        needed = {self.empty.id}
        waiting = [name for name in keep if self.get(name)]
        while waiting:
            name = waiting.pop()
            if name in needed:
                continue
            needed.add(name)
            waiting += self._read(name).chain
            if (mark := self._root / name / "flat").exists():
                waiting.append(mark.read_text())
        freed = 0
        for folder in self._root.iterdir():
            if folder.name in needed:
                continue
            self._meta.pop(folder.name, None)
            # Out of sight at once; a removal that is cut short is finished by the next sweep.
            dead = self._state.scratch / f"pruned-{folder.name}"
            folder.rename(dead)
            freed += _size(dead)
            remove_tree(dead)
        return freed


def _same_root(one: Path, other: Path) -> bool:
    first, second = one.lstat(), other.lstat()
    return (
        (stat.S_IMODE(first.st_mode), first.st_uid, first.st_gid)
        == (stat.S_IMODE(second.st_mode), second.st_uid, second.st_gid)
    ) and extended_attributes(one) == extended_attributes(other)


def _size(folder: Path) -> int:
    """Return the bytes that go when `folder` is removed; files linked from elsewhere stay."""
    return sum(
        status.st_blocks * 512
        for path in folder.rglob("*")
        if not stat.S_ISDIR((status := path.lstat()).st_mode) and status.st_nlink == 1
    )
