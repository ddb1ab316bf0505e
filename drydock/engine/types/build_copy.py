"""COPY and ADD of Dockerfiles: files of a context, of another stage, or written in the Dockerfile itself.

A copy is known by the content of what it takes. So a change elsewhere in the context, or a stage that was made again and
holds the same, repeats none of the instructions that follow.
"""

from __future__ import annotations

import os
import posixpath
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from drydock.engine.errors import EngineError
from drydock.engine.field import Call
from drydock.engine.lazy import Lazy, digest_of
from drydock.engine.tree import in_thread
from drydock.engine.tree.copy import Attributes
from drydock.engine.tree.digest import digest_entries
from drydock.engine.tree.paths import clean, inside
from drydock.engine.tree.patterns import Matcher
from drydock.engine.tree.walk import Entry, Filter, walk
from drydock.engine.types.container import Container
from drydock.engine.types.container_files import Owner, edited
from drydock.engine.types.directory import Directory
from drydock.engine.types.directory_edit import merge_directory, put_file, write_new_file
from drydock.runtime.errors import ImageFault
from drydock.runtime.unpack import unpack_archive

if TYPE_CHECKING:
    from drydock.engine.engine import Engine


def copied(
    container: Container,
    call: Call,
    path: str,
    source: Directory,
    names: Sequence[str],
    *,
    wanted: Filter,
    owner: str,
    mode: int | None,
    unpack: bool,
) -> Container:
    """Return the container with files of a directory; `unpack`: archives are unpacked, as ADD does."""
    for name in names:
        if unpack and "://" in name:
            raise EngineError(
                f"ADD {name}: Drydock fetches no URLs in a Dockerfile; fetch it with http() and copy it"
            )
    slash = "/" if path.endswith("/") else ""

    async def change(root: Path, where: str, ids: Owner | None) -> None:
        attributes = Attributes(owner=ids or (0, 0), mode=mode)
        async with source.mounted(call.runtime) as found:
            for name in names:
                await in_thread(
                    _put,
                    found,
                    name,
                    wanted,
                    root,
                    where.rstrip("/") + slash or "/",
                    attributes,
                    unpack,
                )

    what = ["build-copy", list(names), list(wanted.exclude), mode, unpack, slash]
    taken = _taken(call.runtime, source, names, wanted)
    return edited(container, call, path, what, change, owner=owner, inputs=[taken], cheap=False)


@dataclass(frozen=True)
class _Taken:
    """What a copy takes of its source, known by its content."""

    content: Lazy[str]

    async def key(self) -> str:
        return await self.content.get()


def _taken(engine: Engine, source: Directory, names: Sequence[str], wanted: Filter) -> _Taken:
    async def key() -> str:
        return digest_of("build-taken", await source.key(), list(names), list(wanted.exclude))

    async def digest() -> str:
        kept = f"digest:{await content.key()}"
        found = engine.results.get(kept)
        if found is None:
            async with source.mounted(engine) as context:
                found = await in_thread(_digest, context, names, wanted)
            engine.results.put(kept, found)
        return str(found)

    content: Lazy[str] = Lazy.make(key, digest)
    return _Taken(content)


def _digest(context: Path, names: Sequence[str], wanted: Filter) -> str:
    """Return the digest of all that the names mean; EngineError if one means nothing."""
    parts: list[str] = []
    for name in names:
        for place, below in _matches(context, clean(name).lstrip("/"), wanted, name):
            parts.append(digest_entries([Entry(place.name, str(place), place.lstat())]))
            if place.is_dir() and not place.is_symlink():
                parts.append(digest_entries(walk(place, _below(wanted, below))))
    return digest_of(*parts)


def inline_files(
    container: Container,
    call: Call,
    path: str,
    files: Sequence[tuple[str, str]],
    owner: str,
    mode: int | None,
) -> Container:
    """Return the container with files whose text stands in the Dockerfile."""
    for name, text in files:
        target = posixpath.join(path, name) if path.endswith("/") else path
        container = _inline(container, call, target, text.encode(), owner, mode)
    return container


def _inline(
    container: Container, call: Call, path: str, data: bytes, owner: str, mode: int | None
) -> Container:
    async def change(root: Path, where: str, ids: Owner | None) -> None:
        def write() -> None:
            write_new_file(root, where, data, 0o644 if mode is None else mode)
            os.chown(inside(root, where), *(ids or (0, 0)))

        await in_thread(write)

    what = ["build-inline", data.decode("latin-1"), mode]
    return edited(container, call, path, what, change, owner=owner)


def _put(
    context: Path,
    name: str,
    wanted: Filter,
    root: Path,
    path: str,
    attributes: Attributes,
    unpack: bool,  # noqa: FBT001 - called through a thread, by position
) -> None:
    relative = clean(name).lstrip("/")
    for place, below in _matches(context, relative, wanted, name):
        if place.is_dir() and not place.is_symlink():
            merge_directory(place, _below(wanted, below), root, path, attributes)
        elif unpack and place.is_file() and tarfile.is_tarfile(place):
            target = inside(root, clean(path))
            target.mkdir(parents=True, exist_ok=True)
            try:
                with tarfile.open(place) as archive:
                    unpack_archive(archive, target)
            except ImageFault as error:
                raise EngineError(f"ADD {name}: {error}") from error
        else:
            put_file(place, place.name, root, path, attributes)


def _matches(context: Path, relative: str, wanted: Filter, name: str) -> list[tuple[Path, str]]:
    """Return the places that a source names; EngineError if there are none."""
    if not relative:
        return [(context, "")]
    if any(char in relative for char in "*?["):
        pattern = Matcher([relative])
        depth = relative.count("/")
        found = [
            (Path(entry.place), entry.path)
            for entry in walk(context, wanted)
            if entry.path.count("/") == depth and pattern.match(entry.path)[0]
        ]
    else:
        place = inside(context, relative)
        kept = not wanted.exclude or any(
            entry.path == relative or entry.path.startswith(relative + "/")
            for entry in walk(context, wanted)
        )
        found = [(place, relative)] if os.path.lexists(place) and kept else []
    if not found:
        raise EngineError(
            f'failed to calculate checksum: "/{name.lstrip("/")}": lstat {name}: no such file or directory'
        )
    return found


def _below(wanted: Filter, path: str) -> Filter:
    """Return the rules of a whole tree for one of its directories."""
    if not path or not wanted.exclude:
        return wanted
    rules = []
    for rule in wanted.exclude:
        mark, text = ("!", rule[1:]) if rule.startswith("!") else ("", rule)
        text = text.strip().lstrip("/")
        if text.startswith("**"):
            rules.append(mark + text)
        elif text.startswith(path + "/"):
            rules.append(mark + text[len(path) + 1 :])
    return Filter.of(exclude=rules)
