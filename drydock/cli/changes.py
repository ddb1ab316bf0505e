"""A changeset on the command line: shown, asked about on the terminal, applied.

`generate` and every function that returns a `Changeset` end here. Without `-y` nothing is written before somebody said yes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from drydock.cli.connection import Connection
from drydock.cli.options import Options

SUMMARY = "id isEmpty"
"""What a caller asks a changeset for before it is handed to `apply_changes`."""

_STATS = "diffStats { path kind addedLines removedLines oldPath }"
_KINDS = {"ADDED": "new", "REMOVED": "removed", "RENAMED": "renamed"}
_NODE = "{ node(id: $id) { ... on Changeset { %s } } }"


class ResultError(Exception):
    """The result cannot be shown, saved or applied."""


def apply_changes(
    connection: Connection,
    changes: dict[str, Any],
    options: Options,
    note: Callable[[str], None],
    target: str = ".",
) -> None:
    """Write a changeset to a directory of this machine, after asking unless `-y` says so."""
    if changes["isEmpty"]:
        note("no changes to apply")
        return
    path = os.fspath(Path(target).absolute())
    if not options.on("auto-apply"):
        found = connection.query(f"query($id: ID!) {_NODE % _STATS}", {"id": changes["id"]})
        if not _confirmed(found["node"]["diffStats"], path):
            note("nothing was changed")
            return
    connection.query(
        f"query($id: ID!, $path: String!) {_NODE % 'export(path: $path)'}",
        {"id": changes["id"], "path": path},
    )


def _confirmed(stats: Sequence[dict[str, Any]], target: str) -> bool:
    """Show what would change and ask on the terminal."""
    try:
        # Two streams, because one for both ways would have to be seekable.
        out = Path("/dev/tty").open("w")  # noqa: SIM115 - closed below
    except OSError as error:
        raise ResultError(
            f"huh: could not open a new TTY: open /dev/tty: {(error.strerror or '').lower()}"
        ) from error
    with out, Path("/dev/tty").open() as answers:
        out.writelines(f"{line}\n" for line in preview(stats))
        out.write(f"Apply these changes to {target}? [y/N] ")
        out.flush()
        return answers.readline().strip().lower() in {"y", "yes"}


def preview(stats: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Yield one line per file: its path, how many lines come and go, what happens to it as a whole."""
    width = max((len(stat["path"]) for stat in stats), default=0)
    for stat in stats:
        kind = _KINDS.get(stat["kind"], "")
        if stat.get("oldPath"):
            kind += f" from {stat['oldPath']}"
        counts = f"+{stat['addedLines']} -{stat['removedLines']}"
        yield f"  {stat['path']:<{width}}  {counts:<9} {kind}".rstrip()
