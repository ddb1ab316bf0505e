"""Replaces a text in a file: the only place it stands at, the first from a line on, or everywhere."""

from __future__ import annotations

from drydock.engine.errors import EngineError


def replace_text(
    contents: bytes, search: str, replacement: str, *, every: bool, first_from: int | None
) -> bytes:
    """Return the changed contents; EngineError if it is unclear what to replace. Lines count from 1."""
    wanted, new = search.encode(), replacement.encode()
    if every:
        return contents.replace(wanted, new)
    places = _places(contents, wanted)
    if first_from is not None:
        places = [place for place in places if _line(contents, place) >= first_from][:1]
    if not places:
        raise EngineError("search string not found")
    if len(places) > 1:
        listed = ", ".join(_position(contents, place, len(wanted)) for place in places)
        raise EngineError(f"search string found multiple times: {listed}")
    start = places[0]
    return contents[:start] + new + contents[start + len(wanted) :]


def _places(contents: bytes, wanted: bytes) -> list[int]:
    found = []
    start = contents.find(wanted) if wanted else -1
    while start >= 0:
        found.append(start)
        start = contents.find(wanted, start + len(wanted))
    return found


def _line(contents: bytes, place: int) -> int:
    return contents.count(b"\n", 0, place) + 1


def _position(contents: bytes, place: int, length: int) -> str:
    column = place - (contents.rfind(b"\n", 0, place) + 1)
    return f"line {_line(contents, place)} ({column}-{column + length})"
