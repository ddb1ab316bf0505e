"""Searches files for a regular expression, with ripgrep's options and words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from drydock.engine.errors import EngineError

from .patterns import Matcher
from .walk import Entry, Filter, walk

_BINARY_PROBE = 65536
_REASONS = {
    "missing ), unterminated subpattern": "unclosed group",
    "unbalanced parenthesis": "unopened group",
    "unterminated character set": "unclosed character class",
    "nothing to repeat": "repetition operator missing expression",
    "multiple repeat": "repetition operator missing expression",
    "bad escape (end of pattern)": (
        "incomplete escape sequence, reached end of pattern prematurely"
    ),
}


@dataclass(frozen=True)
class Options:
    """How to search; names as in the API."""

    pattern: str
    literal: bool = False
    multiline: bool = False
    dotall: bool = False
    insensitive: bool = False
    skip_ignored: bool = False
    skip_hidden: bool = False
    files_only: bool = False
    limit: int | None = None
    paths: Sequence[str] = ()
    globs: Sequence[str] = ()

    def compiled(self) -> re.Pattern[bytes]:
        """Return the expression; EngineError in ripgrep's words."""
        text = re.escape(self.pattern) if self.literal else self.pattern
        flags = re.MULTILINE
        flags |= re.IGNORECASE if self.insensitive else 0
        flags |= re.DOTALL if self.dotall else 0
        try:
            re.compile(text)  # as text first: its error names characters, not bytes
            return re.compile(text.encode(), flags)
        except re.error as error:
            reason = _REASONS.get(error.msg, error.msg)
            mark = " " * (error.pos or 0) + "^"
            raise EngineError(
                f"ripgrep error: regex parse error:\n    {self.pattern}\n    {mark}\nerror: {reason}\n"
            ) from None


@dataclass(frozen=True)
class Found:
    """One match; offsets in bytes, lines from 1."""

    path: str
    line: int = 0
    offset: int = 0
    lines: bytes = b""
    parts: tuple[tuple[bytes, int, int], ...] = ()


def search_tree(root: Path, options: Options) -> list[Found]:
    """Search the files of a directory in byte order of their paths."""
    expression = options.compiled()
    found: list[Found] = []
    for entry in _files(root, options):
        for item in search_file(Path(entry.place), entry.path, expression, options):
            found.append(item)
            if options.limit is not None and len(found) >= options.limit > 0:
                return found
    return found


def _files(root: Path, options: Options) -> Iterator[Entry]:
    paths = Matcher([path.strip("/") or "." for path in options.paths])
    wanted = [glob for glob in options.globs if not glob.startswith("!")]
    unwanted = [glob[1:] for glob in options.globs if glob.startswith("!")]
    take, leave = Matcher([_deep(g) for g in wanted]), Matcher([_deep(g) for g in unwanted])
    for entry in walk(root, Filter(gitignore=options.skip_ignored)):
        if not _is_file(entry) or (options.skip_hidden and _hidden(entry.path)):
            continue
        if paths and not _below(paths, entry.path):
            continue
        if (take and not _below(take, entry.path)) or (leave and _below(leave, entry.path)):
            continue
        yield entry


def _is_file(entry: Entry) -> bool:
    return not entry.is_directory and entry.status.st_mode & 0o170000 == 0o100000


def _deep(glob: str) -> str:
    """Return a glob as ripgrep reads it: without a slash it matches at any depth."""
    return glob if "/" in glob.rstrip("/") else f"**/{glob}"


def _below(matcher: Matcher, path: str) -> bool:
    above: tuple[bool, ...] = ()
    matched = False
    parts = path.split("/")
    for depth in range(1, len(parts) + 1):
        matched, above = matcher.match("/".join(parts[:depth]), above)
    return matched


def _hidden(path: str) -> bool:
    return any(part.startswith(".") for part in path.split("/"))


def search_file(
    place: Path, path: str, expression: re.Pattern[bytes], options: Options
) -> Iterator[Found]:
    """Yield the matches of one file; files with NUL bytes are taken for binary and left out."""
    data = place.read_bytes()
    if b"\0" in data[:_BINARY_PROBE]:
        return
    if options.files_only:
        if expression.search(data):
            yield Found(path)
        return
    if options.multiline:
        yield from _multiline(data, path, expression)
        return
    offset = 0
    for number, line in enumerate(data.splitlines(keepends=True), 1):
        body = line.rstrip(b"\r\n")
        parts = tuple((m[0], m.start(), m.end()) for m in expression.finditer(body))
        if parts:
            yield Found(path, number, offset, line, parts)
        offset += len(line)


def _multiline(data: bytes, path: str, expression: re.Pattern[bytes]) -> Iterator[Found]:
    for match in expression.finditer(data):
        start = data.rfind(b"\n", 0, match.start()) + 1
        end = data.find(b"\n", max(match.end() - 1, match.start()))
        end = len(data) if end < 0 else end + 1
        part = (match[0], match.start() - start, match.end() - start)
        yield Found(path, data.count(b"\n", 0, start) + 1, start, data[start:end], (part,))
