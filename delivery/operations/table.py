"""Tables for people: columns as wide as what stands in them, and text that goes on below itself. Pure."""

from collections.abc import Iterable, Sequence

GAP = "  "


def table(head: Sequence[str], rows: Iterable[Sequence[str]], indent: str = "") -> str:
    """Write rows below their heads; the last column takes what room it needs."""
    lines = [list(head), *(list(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join(indent + _line(line, widths) for line in lines)


def hanging(first: str, text: str) -> str:
    """Write text after a beginning; its further lines stand below the first one."""
    lines = text.splitlines() or [""]
    return "\n".join([first + lines[0], *(" " * len(first) + line for line in lines[1:])])


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True)]
    return GAP.join(padded).rstrip()
