"""`Host`: directories and files of the client's machine.

A directory is read once per session for equal arguments (`noCache` reads anew). It is copied into a
snapshot with root as owner and named by the digest of its content, so an unchanged directory is
recognized in every session and what was computed from it is found again.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from drydock.engine.engine import Engine
from drydock.engine.errors import EngineError
from drydock.engine.field import Call, field
from drydock.engine.tree import in_thread
from drydock.engine.tree.copy import Attributes, copy_entries, copy_file
from drydock.engine.tree.digest import digest_entries
from drydock.engine.tree.edit import store, stored
from drydock.engine.tree.walk import EVERYTHING, Filter, walk

from .client_path import client_path
from .directory import Directory, of_snapshot
from .file import File, file_of_snapshot

_ROOT = (0, 0)


@dataclass(frozen=True)
class Host:
    """The machine of the session's client."""

    graphql_type: ClassVar[str] = "Host"


def _may_remember(args: Mapping[str, Any]) -> bool:
    return not args.get("noCache")


@field("Query.host", quiet=True)
def host(_: object, __: Call) -> Host:
    """Return the client's machine."""
    return Host()


async def import_directory(engine: Engine, root: Path, wanted: Filter = EVERYTHING) -> Directory:
    """Copy a host directory (or what is wanted of it) into a snapshot, unless it is there already."""
    above = repository_root(root) if wanted.gitignore else None
    digest = await in_thread(lambda: digest_entries(walk(root, wanted, above=above), owner=_ROOT))
    snapshot = stored(engine, f"host:{digest}")
    if snapshot is None:
        async with engine.snapshots.edit(engine.snapshots.empty) as edit:

            def copy() -> str:
                copy_entries(walk(root, wanted, above=above), edit.path, Attributes(owner=_ROOT))
                # Again, because a file may have changed while it was copied.
                return digest_entries(walk(edit.path))

            digest = await in_thread(copy)
            snapshot = await edit.commit()
        store(engine, f"host:{digest}", snapshot)
    return of_snapshot(snapshot, digest)


def repository_root(place: Path) -> Path | None:
    """Return the root of the git repository around a directory, None outside of one."""
    return next((up for up in (place, *place.parents) if (up / ".git").exists()), None)


@field("Host.directory", scoped=True, memo=_may_remember)
async def directory(
    _: Host,
    call: Call,
    *,
    path: str,
    exclude: list[str],
    include: list[str],
    no_cache: bool,  # noqa: ARG001 - decides whether an earlier answer is taken
    gitignore: bool,
) -> Directory:
    """Return a directory of the client's machine."""
    place = client_path(call, path)
    if not await in_thread(place.exists):
        raise EngineError(
            f"failed to get snapshot: failed to stat source path: lstat {place}: "
            "no such file or directory"
        )
    if not await in_thread(place.is_dir):
        raise EngineError(f"failed to get snapshot: {place} is not a directory")
    wanted = Filter.of(include, exclude, gitignore=gitignore)
    return await import_directory(call.runtime, place, wanted)


@field("Host.file", scoped=True, memo=_may_remember)
async def file(
    _: Host,
    call: Call,
    *,
    path: str,
    no_cache: bool,  # noqa: ARG001 - decides whether an earlier answer is taken
) -> File:
    """Return a file of the client's machine."""
    place = client_path(call, path)
    return await import_file(call.runtime, place)


async def import_file(engine: Engine, place: Path) -> File:
    """Copy one host file into a snapshot."""
    try:
        status = place.stat()
    except FileNotFoundError:
        raise EngineError(f"stat {place.name}: no such file or directory") from None
    if stat.S_ISDIR(status.st_mode):
        raise EngineError(f"path {place.name} is a directory, not a file")
    async with engine.snapshots.edit(engine.snapshots.empty) as edit:

        def copy() -> str:
            copy_file(
                Path(os.path.realpath(place)), edit.path / place.name, Attributes(owner=_ROOT)
            )
            return digest_entries(walk(edit.path))

        digest = await in_thread(copy)
        snapshot = stored(engine, f"host:{digest}")
        if snapshot is None:
            snapshot = await edit.commit()
            store(engine, f"host:{digest}", snapshot)
    return file_of_snapshot(snapshot, digest, f"/{place.name}")


@field("Host.findUp", scoped=True)
async def find_up(
    _: Host, call: Call, *, name: str, no_cache: bool  # noqa: ARG001 - nothing is kept
) -> str | None:
    """Return the path of the first `name` from the client's directory upwards."""
    start = call.session.workdir

    def look() -> str | None:
        for folder in (start, *start.parents):
            if (folder / name).exists():
                return os.path.relpath(folder / name, start)
        return None

    return await in_thread(look)
