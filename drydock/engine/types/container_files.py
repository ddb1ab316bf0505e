"""Files of containers: read and changed through the container's paths, mounts included.

A path that lies in a mounted directory means that directory's content; everything else means the container's own files. A
change is a lazy edit of the tree in question.
"""

from __future__ import annotations

import os
import posixpath
import secrets
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drydock.engine.errors import EngineError
from drydock.engine.field import Call, field
from drydock.engine.lazy import Lazy
from drydock.engine.process.mounts import CacheMount, TempMount, TreeMount, holder, with_tree
from drydock.engine.process.ownership import needs_names, resolve_owner
from drydock.engine.tree import in_thread
from drydock.engine.tree.copy import Attributes, copy_entries
from drydock.engine.tree.edit import Keyed, TreeEdit
from drydock.engine.tree.paths import inside
from drydock.engine.tree.remove import remove_matching
from drydock.engine.tree.walk import Filter, walk
from drydock.engine.types.container import Container
from drydock.engine.types.directory import Directory, by_content
from drydock.engine.types.directory_edit import (
    merge_directory,
)
from drydock.engine.types.directory_edit import put_file as put_file_at
from drydock.engine.types.directory_edit import put_symlink, write_new_file
from drydock.engine.types.file import File, file_by_content
from drydock.engine.types.stat import Stat, exists_path, stat_path
from drydock.runtime.snapshot import Snapshot

Owner = tuple[int, int]
Change = Callable[[Path, str, Owner | None], Awaitable[None]]
"""Changes the tree mounted at a path: (root, path in the tree, owner of what is put there)."""


@dataclass(frozen=True)
class Place:
    """Where a path of a container lies: in which tree, and where there."""

    tree: Lazy[Snapshot]
    path: str
    mount: TreeMount | None = None


def locate(container: Container, path: str) -> Place:
    """Return where a path lies; EngineError for what only a running command can see."""
    full = container.config.path(path)
    found = holder(container.mounts, full)
    if found is None:
        return Place(container.rootfs, full)
    mount, below = found
    match mount:
        case TreeMount():
            inner = posixpath.join(mount.source.path, below) if below else mount.source.path
            return Place(mount.source.tree, inner, mount)
        case CacheMount():
            raise EngineError(f"{path}: cannot retrieve path from cache")
        case TempMount():
            raise EngineError(f"{path}: cannot retrieve path from tmpfs")
    raise EngineError(f"{path}: cannot retrieve path from mount")


def edited(
    container: Container,
    call: Call,
    path: str,
    what: Sequence[Any],
    change: Change,
    *,
    owner: str = "",
    inputs: Sequence[Keyed] = (),
    cheap: bool = True,
) -> Container:
    """Return the container with a change at a path; `what` and `inputs` are what the change depends on."""
    place = locate(container, path)
    engine = call.runtime
    in_mount = place.mount is not None
    if in_mount and owner and needs_names(owner):
        inputs = [*inputs, container.rootfs]

    async def apply(root: Path) -> None:
        async with AsyncExitStack() as stack:
            ids = None
            if owner:
                accounts = root
                if in_mount and needs_names(owner):
                    view = engine.snapshots.view(await container.rootfs.get())
                    accounts = await stack.enter_async_context(view)
                ids = await in_thread(resolve_owner, accounts, owner)
            await change(root, place.path, ids)

    base_key = place.mount.source if place.mount else None
    tree = TreeEdit(
        engine,
        place.tree,
        [*what, place.path, owner],
        apply,
        inputs=inputs,
        base_key=base_key,
        cheap=cheap,
    )
    if place.mount is not None:
        return container.changed(mounts=with_tree(container.mounts, place.mount, tree))
    return container.changed(rootfs=tree)


# ---------------------------------------------------------------- reading


@field("Container.rootfs")
async def rootfs(self: Container, _: Call) -> Directory:
    """Return the container's own files, without mounts."""
    return Directory(self.rootfs)


@field("Container.withRootfs")
async def with_rootfs(self: Container, call: Call, *, directory: Directory) -> Container:
    """Replace the container's own files."""
    if directory.path == "/":
        return self.changed(rootfs=directory.tree, base=None)
    engine = call.runtime

    async def apply(root: Path) -> None:
        async with directory.mounted(engine) as source:
            await in_thread(lambda: copy_entries(walk(source), root))

    empty = Lazy.ready("empty", engine.snapshots.empty)
    tree = TreeEdit(engine, empty, ["rootfs"], apply, inputs=[directory], cheap=False)
    return self.changed(rootfs=tree, base=None)


@field("Container.directory")
async def directory(self: Container, call: Call, *, path: str, expand: bool) -> Directory:
    """Return a directory of the container, known by its content."""
    path = self.text(path, expand=expand)
    try:
        place = locate(self, path)
    except EngineError as error:
        return Directory(_failing(error), shown=path)
    return by_content(call.runtime, Directory(place.tree, place.path, shown=path))


@field("Container.file")
async def file(self: Container, call: Call, *, path: str, expand: bool) -> File:
    """Return a file of the container, known by its content."""
    path = self.text(path, expand=expand)
    try:
        place = locate(self, path)
    except EngineError as error:
        return File(_failing(error), path, shown=path)
    return file_by_content(call.runtime, File(place.tree, place.path, shown=path))


def _failing(error: EngineError) -> Lazy[Snapshot]:
    """Return a tree that cannot be made: the error shows when somebody looks into it."""

    async def fail() -> Snapshot:
        raise error

    return Lazy.make(f"failing:{secrets.token_hex(8)}", fail)


@field("Container.exists")
async def exists(
    self: Container,
    call: Call,
    *,
    path: str,
    expected_type: str | None,
    do_not_follow_symlinks: bool,
    expand: bool,
) -> bool:
    """Tell whether something exists in the container."""
    place = locate(self, self.text(path, expand=expand))
    async with call.runtime.snapshots.view(await place.tree.get()) as root:
        follow = not do_not_follow_symlinks
        return await in_thread(exists_path, root, place.path, expected_type, follow=follow)


@field("Container.stat")
async def stat(self: Container, call: Call, *, path: str, do_not_follow_symlinks: bool) -> Stat:
    """Tell size, type and mode of something in the container."""
    place = locate(self, path)
    async with call.runtime.snapshots.view(await place.tree.get()) as root:
        return await in_thread(stat_path, root, place.path, follow=not do_not_follow_symlinks)


# ---------------------------------------------------------------- putting in


@field("Container.withNewFile")
async def with_new_file(
    self: Container,
    call: Call,
    *,
    path: str,
    contents: str,
    permissions: int,
    owner: str,
    expand: bool,
) -> Container:
    """Write a file; missing parents get mode 0755."""
    path = self.text(path, expand=expand)
    if self.config.path(path) == "/":
        error = EngineError(
            f"failed to create new file {path}: open /tmp/dagger-{secrets.token_hex(5)}: "
            "is a directory"
        )
        error.mark_lazy(call.span.traceparent)
        raise error
    data = contents.encode(errors="surrogatepass")

    async def change(root: Path, where: str, ids: Owner | None) -> None:
        def write() -> None:
            if inside(root, where).is_dir():
                raise EngineError(f"path {path} is a directory, not a file")
            write_new_file(root, where, data, permissions)
            if ids is not None:
                os.chown(inside(root, where), *ids)

        await in_thread(write)

    what = ["newFile", data.decode("latin-1"), permissions]
    return edited(self, call, path, what, change, owner=owner)


@field("Container.withFile")
async def with_file(
    self: Container,
    call: Call,
    *,
    path: str,
    source: File,
    permissions: int | None,
    owner: str,
    expand: bool,
) -> Container:
    """Copy a file; into a directory if the path is one or ends with a slash."""
    return put_file(self, call, self.text(path, expand=expand), source, permissions, owner)


@field("Container.withFiles")
async def with_files(
    self: Container,
    call: Call,
    *,
    path: str,
    sources: list[File],
    permissions: int | None,
    owner: str,
    expand: bool,
) -> Container:
    """Copy files into a directory under their own names."""
    container = self
    folder = self.text(path, expand=expand)
    for source in sources:
        target = posixpath.join(folder, source.name)
        container = put_file(container, call, target, source, permissions, owner)
    return container


def put_file(
    container: Container, call: Call, path: str, source: File, permissions: int | None, owner: str
) -> Container:
    """Return the container with a copy of a file."""
    slash = "/" if path.endswith("/") else ""

    async def change(root: Path, where: str, ids: Owner | None) -> None:
        attributes = Attributes(owner=ids, mode=permissions)
        async with source.mounted(call.runtime) as found:
            await in_thread(put_file_at, found, source.name, root, where + slash, attributes)

    what = ["file", source.name, permissions, slash]
    return edited(container, call, path, what, change, owner=owner, inputs=[source], cheap=False)


@field("Container.withDirectory")
async def with_directory(
    self: Container,
    call: Call,
    *,
    path: str,
    source: Directory,
    exclude: list[str],
    include: list[str],
    gitignore: bool,
    owner: str,
    expand: bool,
    permissions: int | None,  # noqa: ARG001 - accepted without effect, as on a real engine
) -> Container:
    """Copy a directory's content over what is there."""
    wanted = Filter.of(include, exclude, gitignore=gitignore)

    async def change(root: Path, where: str, ids: Owner | None) -> None:
        async with source.mounted(call.runtime) as found:
            await in_thread(merge_directory, found, wanted, root, where, Attributes(owner=ids))

    path = self.text(path, expand=expand)
    what = ["directory", exclude, include, gitignore]
    return edited(self, call, path, what, change, owner=owner, inputs=[source], cheap=False)


@field("Container.withSymlink")
async def with_symlink(
    self: Container, call: Call, *, target: str, link_name: str, expand: bool
) -> Container:
    """Make a symbolic link."""
    target = self.text(target, expand=expand)

    async def change(root: Path, where: str, _: Owner | None) -> None:
        await in_thread(put_symlink, root, target, where)

    path = self.text(link_name, expand=expand)
    return edited(self, call, path, ["symlink", target], change)


# ---------------------------------------------------------------- taking out


@field("Container.withoutDirectory")
async def without_directory(self: Container, call: Call, *, path: str, expand: bool) -> Container:
    """Remove a directory (or a file); an absent one is no error."""
    return removed(self, call, self.text(path, expand=expand))


@field("Container.withoutFile")
async def without_file(self: Container, call: Call, *, path: str, expand: bool) -> Container:
    """Remove a file (or a directory); an absent one is no error."""
    return removed(self, call, self.text(path, expand=expand))


@field("Container.withoutFiles")
async def without_files(
    self: Container, call: Call, *, paths: list[str], expand: bool
) -> Container:
    """Remove several files."""
    container = self
    for path in paths:
        container = removed(container, call, self.text(path, expand=expand))
    return container


def removed(container: Container, call: Call, path: str) -> Container:
    """Return the container without what a path or pattern names."""

    async def change(root: Path, where: str, _: Owner | None) -> None:
        await in_thread(remove_matching, root, where)

    return edited(container, call, path, ["remove"], change)
