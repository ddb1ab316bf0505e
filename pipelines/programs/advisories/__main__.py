"""The command: make a database for the packages that images hold.

    python3 -m advisories --out DIR [--installed DIR]... [PACKAGE[=VERSION]]...

Packages are named, or stand in `var/lib/dpkg` below an `--installed` root. Writes to DIR what database.py says, and what it
covers to standard output, as one line of JSON. Ends with 1 and one line on standard error when the archive cannot be read.
"""

import argparse
import json
import re
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from . import archive, database, support
from .archive import ArchiveError, Binary
from .sources import gather_fixes

_NAME = re.compile(r"[a-z0-9][a-z0-9+.-]+")


def installed(root: Path) -> dict[str, str]:
    """Read which packages the file system of an image holds, and the source of each."""
    found: dict[str, str] = {}
    folder = root / "var/lib/dpkg"
    for path in [folder / "status", *sorted(folder.glob("status.d/*"))]:
        if not path.is_file() or path.suffix == ".md5sums":
            continue
        for stanza in archive.stanzas(path.read_text(encoding="utf-8", errors="replace")):
            state = stanza.get("Status", "installed").split()
            if stanza["Package"] and stanza["Version"] and "installed" in state:
                found[stanza["Package"]] = archive.source_of(stanza)[0]
    return found


def gather(names: Iterable[str], sources: Iterable[str]) -> database.Knowledge:
    """Ask the archive about packages, and name those of them and of `sources` that it does not know."""
    wanted = set(names)
    release = archive.release()
    found = archive.newest({*wanted, support.PACKAGE})
    known = {name: binary for name, binary in found.items() if name in wanted}
    if wanted and not known:
        raise ArchiveError("apt knows none of the packages; are there lists? Run: apt-get update")
    versions = {binary.source: binary.source_version for binary in known.values()}
    with tempfile.TemporaryDirectory() as folder:
        fixes = gather_fixes(known, Path(folder))
        supported = _support(found.get(support.PACKAGE), versions, release, Path(folder))
    unknown = (wanted - set(known)) | ({*versions, *sources} - set(fixes))
    return database.Knowledge(release, fixes, supported, tuple(sorted(unknown)))


def _support(
    package: Binary | None, versions: Mapping[str, str], release: archive.Release, folder: Path
) -> support.Support:
    """Look the sources up in the archive's lists, without which nothing is known to have ended."""
    texts = {f"ended.deb{release.number}": "", "limited": ""}
    if package:
        file = archive.download([package], folder)[package.name]
        for path, content in archive.files_of(file, support.FOLDER):
            kind = path.rpartition("security-support-")[2]
            if kind in texts and isinstance(content, bytes):
                texts[kind] = content.decode("utf-8", errors="replace")
    ended, limited = texts.values()
    return support.support_of(versions, ended, limited, release.date.date().isoformat())


def main(arguments: list[str]) -> int:
    """Make the database; what went wrong is told in one line."""
    parser = argparse.ArgumentParser(prog="advisories", description="Make a database for Trivy.")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--installed", type=Path, action="append", default=[])
    parser.add_argument("packages", nargs="*")
    given = parser.parse_args(arguments)
    present = {name: source for root in given.installed for name, source in installed(root).items()}
    named = {*present, *(package.partition("=")[0] for package in given.packages)}
    names = sorted(filter(_NAME.fullmatch, named))
    try:
        try:
            knowledge = gather(names, present.values())
        except ArchiveError:
            # The lists are days old when they come from a cache; what they name may have been replaced since.
            archive.update()
            knowledge = gather(names, present.values())
        coverage = database.write(knowledge, given.out)
    except ArchiveError as error:
        sys.stderr.write(f"advisories: {error}\n")
        return 1
    sys.stdout.write(json.dumps(coverage) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
