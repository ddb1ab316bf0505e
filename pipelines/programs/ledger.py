"""Keep what stages found out, by the key of what they read: ledger.py copy FILE TO | ledger.py add FILE.

Run in a container whose FILE lies in a cache volume. `copy` writes it elsewhere, a JSON object per line;
`add` appends the lines of standard input. The newest line of a key counts. The file is written as a
whole and then put in place, so that a kill leaves the old one; it never grows over LIMIT lines.
"""

import json
import sys
from collections.abc import Iterable
from pathlib import Path

LIMIT = 4000


def read(path: Path) -> dict[str, str]:
    """Give the lines by key, oldest first; what is no such line is left out."""
    lines: dict[str, str] = {}
    if path.exists():
        # A torn line is no text; it goes, the others stay.
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            take(lines, line)
    return lines


def take(lines: dict[str, str], line: str) -> None:
    """Let a line replace the older one of its key."""
    try:
        key = json.loads(line)["key"]
    except (ValueError, KeyError, TypeError):
        return
    if isinstance(key, str):
        lines.pop(key, None)
        lines[key] = line.strip()


def add(path: Path, new: str) -> None:
    """Append lines and put the whole in place."""
    lines = read(path)
    for line in new.splitlines():
        take(lines, line)
    draft = path.with_suffix(".new")
    write(draft, list(lines.values())[-LIMIT:])
    draft.replace(path)


def write(path: Path, lines: Iterable[str]) -> None:
    """Write lines to a file."""
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def main(arguments: list[str]) -> int:
    """Run one of the two commands."""
    match arguments:
        case ["copy", file, to]:
            write(Path(to), read(Path(file)).values())
        case ["add", file]:
            add(Path(file), sys.stdin.read())
        case _:
            sys.stderr.write("usage: ledger.py copy FILE TO | ledger.py add FILE\n")
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
