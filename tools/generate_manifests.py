#!/usr/bin/env python3
"""Generate what follows from the catalogue: rules, alerts, dashboards and runbooks, and Argo CD's project and Applications.

Files that are there and follow from nothing any more are removed. A runbook is made only where there is none.

usage: python tools/generate_manifests.py [--check] [FOLDER]      (--check writes nothing and exits 1 if a file differs)
"""

import argparse
import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from pipelines.catalog import (  # noqa: E402  found by the line above
    Catalog,
    DocumentError,
    read_catalog,
)
from pipelines.catalog.addresses import FILE, parse_addresses  # noqa: E402
from pipelines.manifests import OWNED, generate  # noqa: E402


@dataclass(frozen=True)
class Folder:
    """A folder of this machine, read as the catalogue reads a directory of an engine."""

    path: Path

    async def glob(self, pattern: str) -> list[str]:
        """List the files that match."""
        return [path.relative_to(self.path).as_posix() for path in self.path.glob(pattern)]

    def file(self, path: str) -> "Folder":
        """Go to a file."""
        return Folder(self.path / path)

    async def contents(self) -> str:
        """Read the file."""
        return self.path.read_text()


def read(repository: Path) -> Catalog:
    """Read the catalogue of a repository on this machine."""
    return asyncio.run(read_catalog(Folder(repository)))  # type: ignore[arg-type]


def differences(repository: Path) -> dict[str, str | None]:
    """Tell what each differing file of a repository must hold; None is for one that must go."""
    addresses = parse_addresses((repository / FILE).read_text())
    made = generate(read(repository), addresses)
    found: dict[str, str | None] = {
        path: text for path, text in made.files.items() if _text(repository / path) != text
    }
    found |= {path: text for path, text in made.stubs.items() if not (repository / path).exists()}
    there = {path.relative_to(repository) for owned in OWNED for path in repository.glob(owned)}
    stale = {path.as_posix() for path in there} - set(made.files)
    return found | dict.fromkeys(sorted(stale))


def main() -> int:
    """Write the files, or compare with --check."""
    parser = argparse.ArgumentParser(description="Generate manifests from the catalogue.")
    parser.add_argument("--check", action="store_true", help="only compare with what is there")
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT, help="the repository")
    given = parser.parse_args()
    try:
        found = differences(given.folder)
    except (OSError, DocumentError) as error:
        sys.stderr.write(f"{error}; next: correct it, then python tools/generate_manifests.py\n")
        return 2
    for name, text in found.items():
        print(f"{'remove' if text is None else 'write'} {name}")
        path = given.folder / name
        if given.check:
            continue
        if text is None:
            path.unlink()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    if found and given.check:
        sys.stderr.write(
            "these are not what the catalogue says; next: python tools/generate_manifests.py\n"
        )
        return 1
    return 0


def _text(path: Path) -> str | None:
    return path.read_text() if path.is_file() else None


if __name__ == "__main__":
    sys.exit(main())
