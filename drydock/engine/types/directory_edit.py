"""The fields of `Directory` that make another directory: each is one step on a snapshot."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from drydock.engine.errors import EngineError
from drydock.engine.field import Call, field
from drydock.engine.tree import in_thread
from drydock.engine.tree.copy import Attributes, copy_entries, copy_file
from drydock.engine.tree.edit import Keyed, TreeEdit
from drydock.engine.tree.owner import numeric_owner
from drydock.engine.tree.patch import apply_patch
from drydock.engine.tree.paths import clean, inside, make_directory, make_parents
from drydock.engine.tree.remove import remove_matching, remove_path
from drydock.engine.tree.walk import Entry, Filter, walk

from .client_path import export_path
from .directory import Directory
from .file import File

_MODE_BITS = 0o777


def edited(
    self: Directory,
    call: Call,
    what: Sequence[Any],
    change: Callable[[Path], Awaitable[None]],
    *,
    inputs: Sequence[Keyed] = (),
    cheap: bool = True,
) -> Directory:
    """Return the directory after a change of its mounted, writable place."""

    async def apply(root: Path) -> None:
        place = self.place(root)
        if self.path != "/" and not place.is_dir():
            raise EngineError(f"path {self.shown} is a file, not a directory")
        await change(place)

    tree = TreeEdit(
        call.runtime,
        self.tree,
        [*what, self.path],
        apply,
        inputs=inputs,
        base_key=self,
        cheap=cheap,
    )
    return Directory(tree, self.path)


def write_new_file(root: Path, path: str, contents: bytes, permissions: int) -> None:
    """Write a file, replacing what is there; parents are made with mode 0755."""
    place = inside(root, clean(path))
    make_parents(root, place)
    with contextlib.suppress(FileNotFoundError):
        if place.is_dir():
            raise EngineError(f"open {clean(path)}: is a directory")
        place.unlink()
    place.write_bytes(contents)
    place.chmod(permissions & _MODE_BITS)


@field("Directory.withNewFile")
def with_new_file(
    self: Directory, call: Call, *, path: str, contents: str, permissions: int
) -> Directory:
    """Add a file with these contents."""
    data = contents.encode(errors="surrogatepass")

    async def change(root: Path) -> None:
        await in_thread(write_new_file, root, path, data, permissions)

    return edited(self, call, ["withNewFile", path, contents, permissions], change)


@field("Directory.withNewDirectory")
def with_new_directory(self: Directory, call: Call, *, path: str, permissions: int) -> Directory:
    """Add an empty directory; parents made on the way get the same mode."""

    async def change(root: Path) -> None:
        await in_thread(new_directory, root, path, permissions & _MODE_BITS)

    return edited(self, call, ["withNewDirectory", path, permissions], change)


def new_directory(root: Path, path: str, mode: int) -> None:
    """Make a directory and its parents with one mode; existing ones stay."""
    place = inside(root, clean(path))
    make_parents(root, place, mode)
    if place != root:
        make_directory(place, mode, shown=clean(path))


@field("Directory.withDirectory")
def with_directory(
    self: Directory,
    call: Call,
    *,
    path: str,
    source: Directory,
    exclude: list[str],
    include: list[str],
    gitignore: bool,
    owner: str,
    permissions: int | None,
) -> Directory:
    """Merge another directory in; owner and permissions apply to everything copied."""
    wanted = Filter.of(include, exclude, gitignore=gitignore)
    attributes = Attributes(numeric_owner(owner) if owner else None, permissions)

    async def change(root: Path) -> None:
        async with source.mounted(call.runtime) as place:
            await in_thread(merge_directory, place, wanted, root, path, attributes)

    what = ["withDirectory", path, exclude, include, gitignore, owner, permissions]
    return edited(self, call, what, change, inputs=[source], cheap=False)


def merge_directory(
    source: Path, wanted: Filter, root: Path, path: str, attributes: Attributes
) -> None:
    """Copy what is wanted of a directory into `path` of a tree."""
    target = inside(root, clean(path))
    make_parents(root, target)
    if target != root:
        existed = target.is_dir()
        make_directory(target, 0o755, shown=clean(path))
        if not existed or attributes.mode is not None or attributes.owner is not None:
            _dress(target, source, attributes)
    copy_entries(walk(source, wanted), target, attributes)


def _dress(target: Path, source: Path, attributes: Attributes) -> None:
    """Give the copied directory's root the attributes of its source, unless told others."""
    found = source.stat()
    user, group = attributes.owner or (found.st_uid, found.st_gid)
    os.chown(target, user, group)
    mode = attributes.mode if attributes.mode is not None else stat.S_IMODE(found.st_mode)
    target.chmod(mode)


@field("Directory.withFile")
def with_file(
    self: Directory, call: Call, *, path: str, source: File, permissions: int | None, owner: str
) -> Directory:
    """Copy a file to a path; into it, if it ends in a slash or is a directory."""
    attributes = Attributes(numeric_owner(owner) if owner else None, permissions)

    async def change(root: Path) -> None:
        async with source.mounted(call.runtime) as place:
            await in_thread(put_file, place, source.name, root, path, attributes)

    what = ["withFile", path, permissions, owner]
    return edited(self, call, what, change, inputs=[source])


def put_file(source: Path, name: str, root: Path, path: str, attributes: Attributes) -> None:
    """Copy a file to `path` of a tree, into it if it ends in a slash or is a directory."""
    target = inside(root, clean(path))
    if path.endswith("/") or target.is_dir():
        target = target / name
    make_parents(root, target)
    copy_file(source, target, attributes)


@field("Directory.withFiles")
def with_files(
    self: Directory, call: Call, *, path: str, sources: list[File], permissions: int | None
) -> Directory:
    """Copy files into a directory, under their names."""
    attributes = Attributes(mode=permissions)

    async def change(root: Path) -> None:
        for source in sources:
            async with source.mounted(call.runtime) as place:
                await in_thread(put_file, place, source.name, root, f"{path}/", attributes)

    return edited(self, call, ["withFiles", path, permissions], change, inputs=sources)


@field("Directory.withSymlink")
def with_symlink(self: Directory, call: Call, *, target: str, link_name: str) -> Directory:
    """Add a symbolic link."""

    async def change(root: Path) -> None:
        await in_thread(put_symlink, root, target, link_name)

    return edited(self, call, ["withSymlink", target, link_name], change)


def put_symlink(root: Path, target: str, link: str) -> None:
    """Make a symbolic link in a tree, with its parents."""
    place = inside(root, clean(link), follow=False)
    make_parents(root, place)
    try:
        place.symlink_to(target)
    except FileExistsError:
        raise EngineError(f"symlink {target} {clean(link)}: file exists") from None


@field("Directory.withoutFile")
def without_file(self: Directory, call: Call, *, path: str) -> Directory:
    """Remove what matches a path or pattern."""
    return _without(self, call, [path])


@field("Directory.withoutFiles")
def without_files(self: Directory, call: Call, *, paths: list[str]) -> Directory:
    """Remove what matches any of several paths or patterns."""
    return _without(self, call, paths)


@field("Directory.withoutDirectory")
def without_directory(self: Directory, call: Call, *, path: str) -> Directory:
    """Remove what matches a path or pattern."""
    return _without(self, call, [path])


def _without(self: Directory, call: Call, paths: list[str]) -> Directory:
    async def change(root: Path) -> None:
        for path in paths:
            await in_thread(remove_matching, root, path)

    return edited(self, call, ["without", paths], change)


@field("Directory.withTimestamps")
def with_timestamps(self: Directory, call: Call, *, timestamp: int) -> Directory:
    """Give everything one time (seconds since the epoch)."""

    async def change(root: Path) -> None:
        await in_thread(_set_times, root, timestamp)

    return edited(self, call, ["withTimestamps", timestamp], change, cheap=False)


def _set_times(root: Path, seconds: int) -> None:
    for entry in walk(root):
        os.utime(entry.place, (seconds, seconds), follow_symlinks=False)
    os.utime(root, (seconds, seconds))


@field("Directory.chown")
def chown(self: Directory, call: Call, *, path: str, owner: str) -> Directory:
    """Change the owner of a path and everything below."""
    user, group = numeric_owner(owner)

    async def change(root: Path) -> None:
        await in_thread(chown_below, inside(root, clean(path)), user, group)

    return edited(self, call, ["chown", path, owner], change, cheap=False)


def chown_below(place: Path, user: int, group: int) -> None:
    """Change the owner of a file or of a directory with all that it holds."""
    os.chown(place, user, group, follow_symlinks=False)
    if place.is_dir():
        for entry in walk(place):
            os.chown(entry.place, user, group, follow_symlinks=False)


@field("Directory.withPatch")
def with_patch(self: Directory, call: Call, *, patch: str) -> Directory:
    """Apply a unified diff."""

    async def change(root: Path) -> None:
        await apply_patch(root, patch.encode(errors="surrogatepass"))

    return edited(self, call, ["withPatch", patch], change, cheap=False)


@field("Directory.withPatchFile")
def with_patch_file(self: Directory, call: Call, *, patch: File) -> Directory:
    """Apply a unified diff that stands in a file."""

    async def change(root: Path) -> None:
        await apply_patch(root, await patch.read(call.runtime))

    return edited(self, call, ["withPatchFile"], change, inputs=[patch], cheap=False)


@field("Directory.export")
async def export(self: Directory, call: Call, *, path: str, wipe: bool) -> str:
    """Write the directory to the client's machine; return the absolute path.

    What is there stays, unless `wipe`.
    """
    target = export_path(call, path)
    async with self.mounted(call.runtime) as place:
        try:
            await in_thread(export_directory, place, target, wipe=wipe)
        except EngineError as error:
            error.mark_lazy(call.span.traceparent)
            raise
    return str(target)


def export_directory(
    source: Path, target: Path, *, wipe: bool, entries: list[Entry] | None = None
) -> None:
    """Copy a tree (or some entries of it) out, making parents (mode 0700)."""
    try:
        for parent in (*reversed(target.parents), target):
            if not parent.is_dir():
                parent.mkdir(mode=0o700)
    except (FileExistsError, NotADirectoryError):
        raise EngineError(
            "rpc error: code = Unknown desc = failed to create synctarget dest dir "
            f"{target}: mkdir {target}: not a directory"
        ) from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise EngineError(
            f"cannot write to {target}: mkdir {error.filename}: {reason}; choose another path"
        ) from error
    entries = list(walk(source)) if entries is None else entries
    if wipe:
        keep = {entry.path for entry in entries}
        for entry in reversed(list(walk(target))):
            if entry.path not in keep:
                remove_path(Path(entry.place), target)
    copy_entries(entries, target, Attributes(owner=(os.getuid(), os.getgid())))
