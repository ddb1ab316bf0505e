"""`Directory`: a tree, or a place in one; this file has the object and what only reads.

Edits are in directory_edit.py. What `directory()`, `file()` and `filter()` select has the digest of its
content as key, so that what comes after depends on the content alone; everything else is keyed by how it
was made.
"""

from __future__ import annotations

import posixpath
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from drydock.engine.errors import EngineError
from drydock.engine.field import Call, Identity, field
from drydock.engine.lazy import Lazy, digest_of
from drydock.engine.tree import in_thread
from drydock.engine.tree.copy import copy_entries
from drydock.engine.tree.digest import digest_entries
from drydock.engine.tree.edit import TreeEdit
from drydock.engine.tree.paths import clean, inside, status
from drydock.engine.tree.walk import Filter, walk
from drydock.runtime.snapshot import Snapshot

from .stat import Stat, entries_of, exists_path, glob_of, stat_path

if TYPE_CHECKING:
    from drydock.engine.engine import Engine

    from .file import File


@dataclass(frozen=True)
class Directory:
    """A directory of a tree. `shown` is its path as the user wrote it, for errors."""

    graphql_type: ClassVar[str] = "Directory"

    tree: Lazy[Snapshot]
    path: str = "/"
    content: Lazy[str] | None = None  # digest, where content alone counts
    shown: str = "/"
    identity: Identity | None = None

    async def key(self) -> str:
        """Return what names the directory's content: its digest where that counts, else its making."""
        if self.content is not None:
            return f"content:{await self.content.get()}"
        return digest_of("directory", await self.tree.key(), self.path)

    @property
    def name(self) -> str:
        """Return the last part of the path with a slash; `/` for the whole tree."""
        return f"{posixpath.basename(self.path)}/".replace("//", "/")

    @asynccontextmanager
    async def mounted(self, engine: Engine) -> AsyncIterator[Path]:
        """Evaluate, and lend the directory read-only; EngineError if it is absent or a file."""
        snapshot = await self.tree.get()
        async with engine.snapshots.view(snapshot) as root:
            place = self.place(root)
            if not stat.S_ISDIR(status(place, self.shown).st_mode):
                raise EngineError(f"path {self.shown} is a file, not a directory")
            yield place

    def place(self, root: Path) -> Path:
        """Return where the directory lies in its mounted tree."""
        return inside(root, self.path)

    async def evaluate(self, engine: Engine) -> None:
        """Make sure that it can be made and is there."""
        async with self.mounted(engine):
            pass

    async def digest(self, engine: Engine) -> str:
        """Return the digest of names, modes, owners and contents; kept per snapshot."""
        snapshot = await self.tree.get()
        kept = f"digest:{snapshot.id}:{self.path}"
        found = engine.results.get(kept)
        if found is None:
            async with self.mounted(engine) as place:
                found = await in_thread(lambda: digest_entries(walk(place)))
            engine.results.put(kept, found)
        return str(found)

    def select(self, engine: Engine, path: str) -> Directory:
        """Return a directory below (content-keyed); whether it exists is found out on evaluation."""
        where = clean(posixpath.join(self.path, clean(path)[1:]))
        return by_content(engine, Directory(self.tree, where, shown=path))


def by_content(engine: Engine, directory: Directory) -> Directory:
    """Return the same directory with its content's digest as key."""

    async def digest() -> str:
        return await directory.digest(engine)

    async def find() -> str:
        return digest_of("content", await content.get(), directory.path)

    async def key() -> str:
        return digest_of("digest", await directory.tree.key(), directory.path)

    content: Lazy[str] = Lazy.make(key, digest)
    tree: Lazy[Snapshot] = Lazy.make(find, directory.tree.get)
    return Directory(tree, directory.path, content, directory.shown)


def of_snapshot(snapshot: Snapshot, digest: str, path: str = "/") -> Directory:
    """Return a directory that is already there, named by its content in every session."""
    return Directory(
        tree=Lazy.ready(digest_of("content", digest, path), snapshot),
        path=path,
        content=Lazy.ready(digest, digest),
        identity=Identity(
            "Query.__tree", {"snapshot": snapshot.id, "digest": digest, "path": path}
        ),
    )


@field("Query.__tree", quiet=True)
def tree(_: object, call: Call, *, snapshot: str, digest: str, path: str) -> Directory:
    """Make a directory again from what its id says."""
    found = call.runtime.snapshots.get(snapshot)
    if found is None:
        raise EngineError("the directory of this id was pruned; make it again")
    return of_snapshot(found, digest, path)


@field("Query.directory")
def directory(_: object, call: Call) -> Directory:
    """Return an empty directory."""
    return Directory(Lazy.ready("empty", call.runtime.snapshots.empty))


@field("Directory.directory")
def select_directory(self: Directory, call: Call, *, path: str) -> Directory:
    """Return a directory below."""
    return self.select(call.runtime, path)


@field("Directory.file")
async def select_file(self: Directory, call: Call, *, path: str) -> File:
    """Return a file below; it has to exist."""
    from .file import File, file_by_content

    async with self.mounted(call.runtime) as place:
        found = status(inside(place, clean(path)), path)
        if stat.S_ISDIR(found.st_mode):
            raise EngineError(f"path {path} is a directory, not a file")
    where = clean(posixpath.join(self.path, clean(path)[1:]))
    return file_by_content(call.runtime, File(self.tree, where, shown=path))


@field("Directory.entries")
async def entries(self: Directory, call: Call, *, path: str | None) -> list[str]:
    """List a directory."""
    async with self.mounted(call.runtime) as place:
        return await in_thread(entries_of, place, path or "/")


@field("Directory.glob")
async def glob(self: Directory, call: Call, *, pattern: str) -> list[str]:
    """List what matches a pattern."""
    async with self.mounted(call.runtime) as place:
        return await in_thread(glob_of, place, pattern)


@field("Directory.exists")
async def exists(
    self: Directory,
    call: Call,
    *,
    path: str,
    expected_type: str | None,
    do_not_follow_symlinks: bool,
) -> bool:
    """Tell whether something exists."""
    async with self.mounted(call.runtime) as place:
        return exists_path(place, path, expected_type, follow=not do_not_follow_symlinks)


@field("Directory.stat")
async def stat_(self: Directory, call: Call, *, path: str, do_not_follow_symlinks: bool) -> Stat:
    """Tell size, type and mode of something."""
    async with self.mounted(call.runtime) as place:
        return stat_path(place, path, follow=not do_not_follow_symlinks)


@field("Directory.name", quiet=True)
def name(self: Directory, _: Call) -> str:
    """Return its name."""
    return self.name


@field("Directory.digest")
async def digest(self: Directory, call: Call) -> str:
    """Return its content digest."""
    return await self.digest(call.runtime)


@field("Directory.sync")
async def sync(self: Directory, call: Call) -> Directory:
    """Evaluate."""
    await self.evaluate(call.runtime)
    return self


@field("Directory.findUp")
async def find_up(self: Directory, call: Call, *, name: str, start: str) -> str | None:
    """Return the path of the first `name` from `start` upwards, None if there is none."""
    async with self.mounted(call.runtime) as place:
        here = clean(start)
        while True:
            if exists_path(place, posixpath.join(here, name)):
                return posixpath.join(here, name).lstrip("/")
            if here == "/":
                return None
            here = posixpath.dirname(here)


@field("Directory.filter")
def filter_(
    self: Directory, call: Call, *, exclude: list[str], include: list[str], gitignore: bool
) -> Directory:
    """Return what is left by include, exclude and .gitignore files."""
    engine = call.runtime
    wanted = Filter.of(include, exclude, gitignore=gitignore)

    async def apply(root: Path) -> None:
        async with self.mounted(engine) as place:
            await in_thread(lambda: copy_entries(walk(place, wanted), root))

    made = TreeEdit(
        engine,
        Lazy.ready("empty", engine.snapshots.empty),
        ["filter", include, exclude, gitignore],
        apply,
        inputs=[self],
        cheap=False,
    )
    return by_content(engine, Directory(made))


@field("Directory.diff")
def diff(self: Directory, call: Call, *, other: Directory) -> Directory:
    """Return what `other` has more than this, or changed."""
    from drydock.engine.tree.changes import compare

    engine = call.runtime

    async def apply(root: Path) -> None:
        async with self.mounted(engine) as before, other.mounted(engine) as after:

            def copy() -> None:
                found = compare(before, after)
                copy_entries(found.taken(), root)

            await in_thread(copy)

    made = TreeEdit(
        engine,
        Lazy.ready("empty", engine.snapshots.empty),
        ["diff"],
        apply,
        inputs=[self, other],
        cheap=False,
    )
    return Directory(made)


@field("Directory.withError")
def with_error(self: Directory, _: Call, *, err: str) -> Directory:
    """Fail with a text, unless it is empty."""
    if err:
        raise EngineError(err)
    return self
