"""`File`: one file of a tree."""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from drydock.engine.errors import EngineError
from drydock.engine.field import Call, Identity, field
from drydock.engine.lazy import Lazy, digest_of
from drydock.engine.tree import in_thread
from drydock.engine.tree.copy import KEEP, Attributes, copy_file
from drydock.engine.tree.digest import digest_file
from drydock.engine.tree.edit import TreeEdit
from drydock.engine.tree.owner import numeric_owner
from drydock.engine.tree.paths import inside, status
from drydock.engine.tree.replace import replace_text
from drydock.runtime.snapshot import Snapshot

from .client_path import export_path
from .stat import Stat, kind

if TYPE_CHECKING:
    from drydock.engine.engine import Engine


@dataclass(frozen=True)
class File:
    """A file of a tree. `shown` is its path as the user wrote it, for errors."""

    graphql_type: ClassVar[str] = "File"

    tree: Lazy[Snapshot]
    path: str
    content: Lazy[str] | None = None  # digest, where content alone counts
    shown: str = ""
    identity: Identity | None = None

    async def key(self) -> str:
        """Return what names the file: name and content where that counts, else how it was made."""
        if self.content is not None:
            return f"content:{self.name}:{await self.content.get()}"
        return digest_of("file", await self.tree.key(), self.path)

    @property
    def name(self) -> str:
        """Return the last part of the path."""
        return posixpath.basename(self.path)

    @asynccontextmanager
    async def mounted(self, engine: Engine) -> AsyncIterator[Path]:
        """Evaluate, and lend the file read-only; EngineError if it is absent or a directory."""
        snapshot = await self.tree.get()
        async with engine.snapshots.view(snapshot) as root:
            place = inside(root, self.path)
            shown = self.shown or self.path
            if stat.S_ISDIR(status(place, shown).st_mode):
                raise EngineError(f"path {shown} is a directory, not a file")
            yield place

    async def read(self, engine: Engine) -> bytes:
        """Return the contents."""
        async with self.mounted(engine) as place:
            return await in_thread(place.read_bytes)

    async def evaluate(self, engine: Engine) -> None:
        """Make sure that it can be made and is there."""
        async with self.mounted(engine):
            pass

    async def digest(self, engine: Engine) -> str:
        """Return the digest of contents, mode and owner."""
        async with self.mounted(engine) as place:
            return await in_thread(digest_file, place)


def file_by_content(engine: Engine, file: File) -> File:
    """Return the same file with its content's digest as key."""

    async def digest() -> str:
        return await file.digest(engine)

    async def find() -> str:
        return digest_of("content-file", await content.get(), file.path)

    async def key() -> str:
        return digest_of("digest-file", await file.tree.key(), file.path)

    content: Lazy[str] = Lazy.make(key, digest)
    tree: Lazy[Snapshot] = Lazy.make(find, file.tree.get)
    return File(tree, file.path, content, file.shown)


def file_of_snapshot(snapshot: Snapshot, digest: str, path: str) -> File:
    """Return a file that is already there, named by its content in every session."""
    return File(
        tree=Lazy.ready(digest_of("content-file", digest, path), snapshot),
        path=path,
        content=Lazy.ready(digest, digest),
        shown=posixpath.basename(path),
        identity=Identity(
            "Query.__file", {"snapshot": snapshot.id, "digest": digest, "path": path}
        ),
    )


@field("Query.__file", quiet=True)
def file_again(_: object, call: Call, *, snapshot: str, digest: str, path: str) -> File:
    """Make a file again from what its id says."""
    found = call.runtime.snapshots.get(snapshot)
    if found is None:
        raise EngineError("the file of this id was pruned; make it again")
    return file_of_snapshot(found, digest, path)


def new_file(engine: Engine, name: str, contents: bytes, permissions: int) -> File:
    """Return a file made from bytes."""

    async def apply(root: Path) -> None:
        place = root / name
        place.write_bytes(contents)
        place.chmod(permissions & 0o777)

    base = Lazy.ready("empty", engine.snapshots.empty)
    what = ["newFile", name, contents.decode("latin-1"), permissions]
    return File(TreeEdit(engine, base, what, apply), f"/{name}", shown=name)


def check_name(name: str) -> None:
    """Raise EngineError if a file's name is a path or no name at all."""
    if "/" in name:
        raise EngineError(f'file name "{name}" must not contain a directory')
    if name in {".", ".."} or "\0" in name:
        raise EngineError(f"{name!r} is no name for a file")


@field("Query.file", below=("directory", "withNewFile", "file"))
def file(_: object, call: Call, *, name: str, contents: str, permissions: int) -> File:
    """Return a file made from text."""
    check_name(name)
    if not name:
        error = EngineError("open /tmp/dagger-0: is a directory")
        error.mark_lazy(call.span.traceparent)
        raise error
    data = contents.encode(errors="surrogatepass")
    return new_file(call.runtime, name, data, permissions)


@field("File.contents")
async def contents(
    self: File, call: Call, *, offset_lines: int | None, limit_lines: int | None
) -> str:
    """Return the text, or some lines of it; bytes that are no UTF-8 become U+FFFD."""
    text = (await self.read(call.runtime)).decode(errors="replace")
    offset, limit = max(offset_lines or 0, 0), limit_lines or 0
    if offset == 0 and limit <= 0:
        return text
    lines = text.splitlines(keepends=True) if "\r" not in text else _lines(text)
    return "".join(lines[offset : offset + limit] if limit > 0 else lines[offset:])


def _lines(text: str) -> list[str]:
    """Split at line feeds only."""
    parts = text.split("\n")
    return [part + "\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


@field("File.size")
async def size(self: File, call: Call) -> int:
    """Return the number of bytes."""
    async with self.mounted(call.runtime) as place:
        return place.stat().st_size


@field("File.name", quiet=True)
async def name(self: File, call: Call) -> str:
    """Return its name; a file that was selected has to be one for that."""
    if self.content is not None:
        await self.evaluate(call.runtime)
    return self.name


@field("File.digest")
async def digest(self: File, call: Call, *, exclude_metadata: bool) -> str:
    """Return the digest of contents, mode and owner, or of the contents alone."""
    async with self.mounted(call.runtime) as place:
        return await in_thread(digest_file, place, metadata=not exclude_metadata)


@field("File.stat")
async def stat_(self: File, call: Call) -> Stat:
    """Tell size, type and mode."""
    async with self.mounted(call.runtime) as place:
        found = place.stat()
        return Stat(found.st_size, self.name, kind(found.st_mode), stat.S_IMODE(found.st_mode))


@field("File.sync")
async def sync(self: File, call: Call) -> File:
    """Evaluate."""
    await self.evaluate(call.runtime)
    return self


def _changed(
    self: File,
    call: Call,
    what: list[object],
    change: Callable[[Path], None],
    *,
    name: str = "",
    attributes: Attributes = KEEP,
) -> File:
    """Return a copy of the file in a tree of its own, changed."""
    name = name or self.name

    async def apply(root: Path) -> None:
        async with self.mounted(call.runtime) as place:

            def copy() -> None:
                copy_file(place, root / name, attributes)
                change(root / name)

            await in_thread(copy)

    base = Lazy.ready("empty", call.runtime.snapshots.empty)
    tree = TreeEdit(call.runtime, base, [*what, name], apply, inputs=[self], cheap=False)
    return File(tree, f"/{name}", shown=name)


@field("File.withName")
def with_name(self: File, call: Call, *, name: str) -> File:
    """Return the file under another name."""
    check_name(name)
    return _changed(self, call, ["withName"], lambda _: None, name=name)


@field("File.withTimestamps")
def with_timestamps(self: File, call: Call, *, timestamp: int) -> File:
    """Return the file with another time (seconds since the epoch)."""
    return _changed(
        self, call, ["withTimestamps", timestamp], lambda place: os.utime(place, (timestamp,) * 2)
    )


@field("File.chown")
def chown(self: File, call: Call, *, owner: str) -> File:
    """Return the file with another owner."""
    attributes = Attributes(owner=numeric_owner(owner))
    return _changed(self, call, ["chown", owner], lambda _: None, attributes=attributes)


@field("File.withReplaced")
def with_replaced(
    self: File,
    call: Call,
    *,
    search: str,
    replacement: str,
    all: bool,  # noqa: A002 - the field's own word
    first_from: int | None,
) -> File:
    """Return the file with a text replaced: the only place, the first from a line on, or all."""

    def change(place: Path) -> None:
        text = place.read_bytes()
        place.write_bytes(replace_text(text, search, replacement, every=all, first_from=first_from))

    what = ["withReplaced", search, replacement, all, first_from]
    return _changed(self, call, list(what), change)


@field("File.export")
async def export(self: File, call: Call, *, path: str, allow_parent_dir_path: bool) -> str:
    """Write the file to the client's machine; return the absolute path."""
    target = export_path(call, path)
    error = EngineError(
        f'diff copy client error: rpc error: code = Unknown desc = destination "{target}" is a '
        "directory; must be a file path unless allowParentDirPath is set"
    )
    async with self.mounted(call.runtime) as place:
        if target.is_dir():
            if not allow_parent_dir_path:
                error.mark_lazy(call.span.traceparent)
                raise error
            destination = target / self.name
        else:
            destination = target
        await in_thread(export_file, place, destination)
    return str(target)


def export_file(place: Path, target: Path) -> None:
    """Copy a file out, making parents (mode 0700)."""
    for parent in reversed(target.parents):
        if not parent.exists():
            parent.mkdir(mode=0o700)
    copy_file(place, target, Attributes(owner=(os.getuid(), os.getgid())))
