"""The changelog of each source, out of the smallest of its packages that has it.

Packages of one source often share one changelog: the folder of the others is a link to it. Debian's own changelog is
`changelog.Debian.gz`; a package that exists in Debian only has it as `changelog.gz`, where others keep their authors' one,
in which no entry has Debian's form.
"""

import gzip
import os
import posixpath
import zlib
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import archive, changelog
from .archive import ArchiveError, Binary
from .changelog import Fix

_DOC = "usr/share/doc"
_OURS, _NATIVE = "changelog.Debian.gz", "changelog.gz"
_ROUNDS = 4
"""How many packages of a source are opened; a link is followed in the next round, and seldom leads to another."""


def gather_fixes(known: Mapping[str, Binary], folder: Path) -> dict[str, dict[str, Fix]]:
    """Read the fixes of every source of the packages given by name; a source without a changelog is left out."""
    queues: dict[str, list[Binary]] = {}
    for binary in sorted(known.values(), key=lambda each: (each.size, each.name)):
        queues.setdefault(binary.source, []).append(binary)
    found: dict[str, dict[str, Fix]] = {}
    for _ in range(_ROUNDS):
        chosen = {source: queue.pop(0) for source, queue in queues.items() if queue}
        answers = _read(chosen.values(), folder)
        linked = {target for _, target in answers.values() if target}
        elsewhere = {**known, **archive.newest(linked - set(known))}
        for source, binary in chosen.items():
            text, target = answers[binary.name]
            if entries := changelog.parse(text):
                found[source] = changelog.fixes(entries)
                del queues[source]
            elif target in elsewhere:
                queue = [each for each in queues[source] if each.name != target]
                queues[source] = [elsewhere[target], *queue]
    return found


def _read(binaries: Iterable[Binary], folder: Path) -> dict[str, tuple[str, str]]:
    """Download packages and read the changelog of each, or the name of the package that has it."""
    files = archive.download(binaries, folder)
    names = [binary.name for binary in binaries]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(
            zip(names, pool.map(_changelog_in, names, map(files.__getitem__, names)), strict=True)
        )


def _changelog_in(name: str, package: Path) -> tuple[str, str]:
    native = ""
    for path, content in archive.files_of(package, _DOC):
        if isinstance(content, str):
            if path in (f"{_DOC}/{name}", f"{_DOC}/{name}/{_OURS}"):
                return "", posixpath.relpath(content, _DOC).partition("/")[0]
        elif path == f"{_DOC}/{name}/{_OURS}":
            return _unzip(package, content), ""
        elif path == f"{_DOC}/{name}/{_NATIVE}":
            native = _unzip(package, content)
    return native, ""


def _unzip(package: Path, content: bytes) -> str:
    try:
        return gzip.decompress(content).decode("utf-8", errors="replace")
    except (OSError, EOFError, zlib.error) as error:
        raise ArchiveError(f"the changelog in {package.name} cannot be read: {error}") from error
