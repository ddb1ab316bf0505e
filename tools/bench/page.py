"""docs/benchmarks.md: one section per part, so that a part that is measured alone leaves the others as they stand."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

TITLE = "# Benchmarks"
HEADING = "## "
SHIPPING = "Shipping"
"""The part that a page without sections is."""


@dataclass(frozen=True)
class Row:
    """One line of a table."""

    what: str
    measured: str
    target: str
    reference: str = ""


def section(words: Sequence[str], rows: Sequence[Row]) -> str:
    """Render one part: what was done, on which machine, and the numbers."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    machine = f"{os.cpu_count()} cores, {memory:.0f} GB, Linux {platform.release()}, Python {platform.python_version()}."
    lines = [
        *words,
        machine,
        "",
        "| what | measured | target | reference |",
        "|---|---|---|---|",
        *(
            f"| {row.what} | {row.measured} | {row.target or '-'} | {row.reference or '-'} |"
            for row in rows
        ),
    ]
    return "\n".join(lines)


def write(path: Path, name: str, text: str) -> None:
    """Put one part into the page in place of what it said before."""
    parts = sections(path.read_text()) if path.exists() else {}
    parts[name] = text
    told = [f"{HEADING}{heading}\n\n{body.strip()}\n" for heading, body in parts.items()]
    intro = "Made by `make bench`; do not edit. Each part on a machine of its own.\n"
    path.write_text("\n".join([f"{TITLE}\n", intro, *told]))


def sections(page: str) -> dict[str, str]:
    """Split a page into its parts, by their headings."""
    pieces = re.split(rf"(?m)^{HEADING}(.+)\n", page)
    if len(pieces) == 1:
        return {SHIPPING: page.removeprefix(TITLE).strip()}
    return dict(zip(pieces[1::2], pieces[2::2], strict=True))
