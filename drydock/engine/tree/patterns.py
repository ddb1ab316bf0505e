"""Include and exclude patterns, with the rules of .dockerignore files.

A pattern is matched against the whole path from the root, or against one of its parents; a later
pattern overrules an earlier one, `!` undoes. `*` and `?` stop at slashes, `**` does not. Braces mean
nothing.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass

from drydock.engine.errors import EngineError


class BadPatternError(EngineError):
    """A pattern is malformed."""


@dataclass(frozen=True)
class Pattern:
    """One compiled pattern."""

    text: str
    regex: re.Pattern[str]
    negated: bool = False


def translate(pattern: str) -> re.Pattern[str]:
    """Compile one pattern; BadPatternError for unclosed brackets and trailing backslashes."""
    out = []
    index = 0
    while index < len(pattern):
        char = pattern[index]
        if char == "*":
            if pattern.startswith("**", index):
                index += 2
                if index < len(pattern) and pattern[index] == "/":
                    index += 1
                    out.append("(?:.*/)?")
                else:
                    out.append(".*")
                continue
            out.append("[^/]*")
        elif char == "?":
            out.append("[^/]")
        elif char == "[":
            text, index = _brackets(pattern, index)
            out.append(text)
            continue
        elif char == "\\":
            index += 1
            if index == len(pattern):
                raise BadPatternError("syntax error in pattern")
            out.append(re.escape(pattern[index]))
        else:
            out.append(re.escape(char))
        index += 1
    return re.compile("".join(out) + r"\Z", re.DOTALL)


def _brackets(pattern: str, start: int) -> tuple[str, int]:
    """Return the regex for the class that begins at `start`, and the index behind it."""
    index = start + 1
    negated = index < len(pattern) and pattern[index] in "^!"
    if negated:
        index += 1
    inner = ""
    while index < len(pattern) and (pattern[index] != "]" or not inner):
        if pattern[index] == "\\":
            index += 1
            if index == len(pattern):
                break
            inner += "\\" + pattern[index]
        else:
            inner += "\\" + pattern[index] if pattern[index] in "[]^&|~" else pattern[index]
        index += 1
    if index >= len(pattern) or not inner:
        raise BadPatternError("syntax error in pattern")
    text = f"[{'^/' if negated else ''}{inner}]"
    try:
        re.compile(text)
    except re.error:
        raise BadPatternError("syntax error in pattern") from None
    return text, index + 1


class Matcher:
    """An ordered list of patterns."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self._patterns: list[Pattern] = []
        for given in patterns:
            text = given.strip()
            negated = text.startswith("!")
            if negated:
                text = text[1:].strip()
            if not text:
                continue
            text = posixpath.normpath(text).lstrip("/")
            self._patterns.append(Pattern(text, translate(text), negated))

    def __bool__(self) -> bool:
        return bool(self._patterns)

    def match(self, path: str, above: tuple[bool, ...] = ()) -> tuple[bool, tuple[bool, ...]]:
        """Return whether a path matches, and what to hand in as `above` for paths below it."""
        hits = []
        matched = False
        for index, pattern in enumerate(self._patterns):
            hit = (index < len(above) and above[index]) or (
                pattern.text == "." or pattern.regex.match(path) is not None
            )
            hits.append(hit)
            if hit:
                matched = not pattern.negated
        return matched, tuple(hits)

    def may_match_below(self, path: str, *, negated: bool = False) -> bool:
        """Return whether a pattern could match below a directory what it does not match itself.

        `negated` asks about the patterns with `!` instead, which take things out again.
        """
        parts = path.split("/")
        return any(
            pattern.negated == negated and _reaches(pattern.text.split("/"), parts)
            for pattern in self._patterns
        )


def _reaches(pattern: list[str], parts: list[str]) -> bool:
    """Return whether a path of more parts could match the pattern."""
    for wanted, part in zip(pattern, parts, strict=False):
        if "**" in wanted:
            return True
        if translate(wanted).match(part) is None:
            return False
    return len(pattern) > len(parts)
