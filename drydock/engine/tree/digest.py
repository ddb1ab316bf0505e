"""Content digests of trees and files: names, kinds, modes, owners, contents, link targets; never times."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterable
from pathlib import Path

from .walk import Entry


def digest_entries(entries: Iterable[Entry], *, owner: tuple[int, int] | None = None) -> str:
    """Return `sha256:...` of what a walk yields; `owner` replaces the real ones."""
    whole = hashlib.sha256()
    for entry in entries:
        whole.update(_line(entry, owner))
    return f"sha256:{whole.hexdigest()}"


def _line(entry: Entry, owner: tuple[int, int] | None) -> bytes:
    status = entry.status
    user, group = owner or (status.st_uid, status.st_gid)
    mode = status.st_mode
    contents = ""
    if stat.S_ISREG(mode):
        contents = file_hash(Path(entry.place))
    elif stat.S_ISLNK(mode):
        contents = os.readlink(entry.place)
    elif stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
        contents = str(status.st_rdev)
    line = json.dumps([entry.path, mode, user, group, contents]) + "\n"
    return line.encode(errors="surrogatepass")


def file_hash(place: Path) -> str:
    """Return the hex SHA-256 of a file's contents."""
    with place.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_file(place: Path, *, metadata: bool = True) -> str:
    """Return `sha256:...` of one file: contents, and mode and owner unless left out; never its name."""
    status = place.stat()
    parts: list[object] = ["file", file_hash(place)]
    if metadata:
        parts += [status.st_mode, status.st_uid, status.st_gid]
    return f"sha256:{hashlib.sha256(json.dumps(parts).encode()).hexdigest()}"
