"""Debian's version numbers and their order, as deb-version(7) defines it."""

import re
from typing import TypeAlias

Parts: TypeAlias = tuple[tuple[tuple[int, ...], int], ...]

_PARTS = re.compile(r"(\D*)(\d*)")


def key(version: str) -> tuple[int, Parts, Parts]:
    """Give what sorts like the version: epoch, upstream version and revision, part by part.

    A version without a revision has the revision 0. Text that is no version sorts too, in some order.
    """
    epoch, colon, rest = version.partition(":")
    if not colon or not epoch.isdecimal():
        epoch, rest = "0", version
    upstream, _, revision = rest.rpartition("-") if "-" in rest else (rest, "", "")
    return int(epoch), _parts(upstream), _parts(revision)


def less(one: str, other: str) -> bool:
    """Tell whether a version comes before another."""
    return key(one) < key(other)


def _parts(text: str) -> Parts:
    """Split into pairs of what is no digit and a number, with an end that only a tilde sorts before."""
    found = _PARTS.findall(text)
    pairs = found[:-1] or found
    weighed = [((*map(_weight, letters), 0), int(digits or 0)) for letters, digits in pairs]
    return (*weighed, ((0,), 0))


def _weight(letter: str) -> int:
    """Order the letters: a tilde before the end (0), then letters, then everything else."""
    if letter == "~":
        return -1
    return ord(letter) if letter.isalpha() else ord(letter) + 256
