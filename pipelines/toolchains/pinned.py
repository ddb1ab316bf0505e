"""The lock files of the tools that Shipyard itself brings, below `pins/`."""

from pathlib import Path

import dagger
from dagger import dag

_PINS = Path(__file__).parent / "pins"


def pinned(folder: str) -> dagger.Directory:
    """Give a folder of lock files as a directory."""
    directory = dag.directory()
    for path in sorted((_PINS / folder).iterdir()):
        directory = directory.with_new_file(path.name, path.read_text(encoding="utf-8"))
    return directory
