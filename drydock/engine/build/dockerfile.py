"""Reads a Dockerfile into instructions: continuations, comments, heredocs, flags, exec form.

What the words mean is for `stages.py`; nothing is expanded here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from drydock.engine.errors import EngineError

KEYWORDS = frozenset(
    {
        "ADD",
        "ARG",
        "CMD",
        "COPY",
        "ENTRYPOINT",
        "ENV",
        "EXPOSE",
        "FROM",
        "HEALTHCHECK",
        "LABEL",
        "MAINTAINER",
        "ONBUILD",
        "RUN",
        "SHELL",
        "STOPSIGNAL",
        "USER",
        "VOLUME",
        "WORKDIR",
    }
)
_HEREDOC = re.compile(r"<<(?P<strip>-?)(?P<quote>['\"]?)(?P<name>[A-Za-z0-9_.]+)(?P=quote)")
_HEREDOC_KEYWORDS = {"ADD", "COPY", "RUN"}
_FLAG = re.compile(r"--(?P<name>[a-z-]+)(?:=(?P<value>(?:\"[^\"]*\"|'[^']*'|[^\s\"'])*))?(?:\s+|$)")
_ESCAPE = re.compile(r"#\s*escape\s*=\s*(\S)\s*$", re.IGNORECASE)
_DIRECTIVE = re.compile(r"#\s*[a-zA-Z][a-zA-Z0-9]*\s*=\s*\S.*$")
PREFIX = "failed to convert Dockerfile to LLB: "


@dataclass(frozen=True)
class Heredoc:
    """A document inside of an instruction. `expand` is off when its name was quoted."""

    name: str
    contents: str
    expand: bool


@dataclass(frozen=True)
class Instruction:
    """One instruction; `text` is what follows keyword and flags, `words` the exec form if it is one."""

    line: int
    keyword: str
    text: str
    flags: tuple[tuple[str, str], ...] = ()
    words: tuple[str, ...] | None = None
    heredocs: tuple[Heredoc, ...] = field(default=())

    def flag(self, name: str, default: str = "") -> str:
        """Return the last value of a flag."""
        return dict(self.flags).get(name, default)

    def flag_values(self, name: str) -> list[str]:
        """Return every value of a flag."""
        return [value for key, value in self.flags if key == name]


def fail(line: int, message: str) -> EngineError:
    """Return the error of a Dockerfile that cannot be understood."""
    return EngineError(f"{PREFIX}dockerfile parse error on line {line}: {message}")


def parse(text: str) -> list[Instruction]:
    """Return the instructions; EngineError with the number of the line that is wrong."""
    found = list(_instructions(text))
    if not found:
        raise EngineError(f"{PREFIX}file with no instructions")
    return found


def _instructions(text: str) -> Iterator[Instruction]:
    lines = text.removeprefix("\ufeff").split("\n")
    escape = _escape(lines)
    index = 0
    while index < len(lines):
        start = index
        stripped = lines[index].strip()
        index += 1
        if not stripped or stripped.startswith("#"):
            continue
        logical, index = _logical(lines, start, escape)
        heredocs: list[Heredoc] = []
        keyword = logical.split(None, 1)[0].upper()
        if keyword in _HEREDOC_KEYWORDS:
            for match in _HEREDOC.finditer(logical):
                document, index = _document(lines, index, match, start + 1)
                heredocs.append(document)
        yield _instruction(start + 1, logical, tuple(heredocs))


def _escape(lines: list[str]) -> str:
    """Return the escape character, which a directive at the top may change."""
    for line in lines:
        if match := _ESCAPE.match(line.strip()):
            return match[1]
        if not _DIRECTIVE.match(line.strip()):
            break
    return "\\"


def _logical(lines: list[str], index: int, escape: str) -> tuple[str, int]:
    """Join continued lines; comments and empty lines between them are dropped."""
    parts: list[str] = []
    while index < len(lines):
        line = lines[index].rstrip("\r")
        index += 1
        if parts and (not line.strip() or line.lstrip().startswith("#")):
            continue
        body = line.rstrip()
        if body.endswith(escape):
            parts.append(body[:-1])
            continue
        parts.append(line)
        break
    return "".join(parts).strip(), index


def _document(
    lines: list[str], index: int, match: re.Match[str], number: int
) -> tuple[Heredoc, int]:
    body: list[str] = []
    while index < len(lines):
        line = lines[index]
        index += 1
        if match["strip"]:
            line = line.lstrip("\t")
        if line == match["name"]:
            contents = "".join(f"{item}\n" for item in body)
            return Heredoc(match["name"], contents, not match["quote"]), index
        body.append(line)
    raise fail(number, "unterminated heredoc")


def _instruction(line: int, logical: str, heredocs: tuple[Heredoc, ...]) -> Instruction:
    keyword, _, rest = logical.partition(" ")
    if "\t" in keyword:
        keyword, _, rest = logical.partition("\t")
    keyword, rest = keyword.upper(), rest.strip()
    if keyword not in KEYWORDS:
        raise fail(line, f"unknown instruction: {keyword}")
    flags = []
    while match := _FLAG.match(rest):
        flags.append((match["name"], (match["value"] or "").strip("\"'")))
        rest = rest[match.end() :]
    if not rest:
        raise fail(line, f"{keyword} requires at least one argument")
    return Instruction(line, keyword, rest, tuple(flags), _exec_form(rest), heredocs)


def _exec_form(text: str) -> tuple[str, ...] | None:
    """Return the words of a JSON list of strings, None for anything else."""
    if not text.startswith("["):
        return None
    try:
        words = json.loads(text)
    except ValueError:
        return None
    if isinstance(words, list) and all(isinstance(word, str) for word in words):
        return tuple(words)
    return None
