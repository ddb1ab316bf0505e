"""Reads Dockerfiles: text in, instructions out, without I/O.

Called by `types.docker_build`, which carries the instructions out. Knows continued lines, comments, the `escape` directive,
heredocs, flags and the exec form; words are expanded as Docker does it, by `expand`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from drydock.engine.errors import EngineError

INSTRUCTIONS = frozenset(
    [
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
    ]
)
_DIRECTIVE = re.compile(r"#\s*([A-Za-z]+)\s*=\s*(\S+)\s*$")
_HEREDOC = re.compile(r"(?<!\S)(?:\d*)<<(-?)(['\"]?)([A-Za-z_][\w.]*)\2")
_FLAG = re.compile(r"--([a-z-]+)(?:=((?:\"[^\"]*\"|'[^']*'|\S)*))?(?:\s+|$)")
_WORD = re.compile(r"(?:\"(?:\\.|[^\"\\])*\"|'[^']*'|\\.|[^\s\"'\\])+")
_VARIABLE = (
    r"\\(?P<escaped>.)"
    r"|\$\{(?P<braced>\w+)(?:(?P<operator>:?[-+?])(?P<word>[^}]*))?\}|\$(?P<plain>\w+)"
)
_IN_QUOTES = re.compile(_VARIABLE, re.DOTALL)
_REFERENCE = re.compile(
    r"'(?P<literal>[^']*)'|\"(?P<double>(?:\\.|[^\"\\])*)\"|" + _VARIABLE, re.DOTALL
)


class DockerfileError(EngineError):
    """A Dockerfile is wrong; worded as a real engine's."""

    def __init__(self, message: str) -> None:
        super().__init__(f"failed to convert Dockerfile to LLB: {message}")


@dataclass(frozen=True)
class Heredoc:
    """A text that stands below its instruction."""

    name: str
    text: str
    expand: bool


@dataclass(frozen=True)
class Instruction:
    """One instruction; `text` is what follows the flags."""

    name: str
    text: str
    line: int
    flags: tuple[tuple[str, str], ...] = ()
    heredocs: tuple[Heredoc, ...] = field(default=())

    def flag(self, name: str) -> str:
        """Return the value of a flag, the last one if it is repeated, "" if it is absent."""
        return dict(self.flags).get(name, "")

    def exec_form(self) -> tuple[str, ...] | None:
        """Return the words of `["a", "b"]`, None for the shell form."""
        if not self.text.startswith("["):
            return None
        try:
            words = json.loads(self.text)
        except ValueError:
            return None
        if isinstance(words, list) and all(isinstance(word, str) for word in words):
            return tuple(words)
        return None

    def words(self) -> list[str]:
        """Return the words of the text, quotes kept."""
        return list(self.exec_form() or _WORD.findall(self.text))


def parse(text: str) -> list[Instruction]:
    """Return the instructions of a Dockerfile; DockerfileError says what is wrong in which line."""
    lines = text.splitlines()
    escape = _escape(lines)
    found: list[Instruction] = []
    number = 0
    while number < len(lines):
        begun = number
        line = lines[number].strip()
        number += 1
        if not line or line.startswith("#"):
            continue
        while line.endswith(escape) and number < len(lines):
            following = lines[number]
            number += 1
            if following.lstrip().startswith("#") or not following.strip():
                continue
            line = line[:-1] + following.rstrip()
        line = line.removesuffix(escape)
        name, _, rest = line.partition(" ") if " " in line else line.partition("\t")
        name = name.upper()
        if name not in INSTRUCTIONS:
            raise DockerfileError(
                f"dockerfile parse error on line {begun + 1}: unknown instruction: {name}"
            )
        flags, rest = _flags(rest.strip()) if name != "ENV" else ((), rest.strip())
        heredocs, number = _heredocs(name, rest, lines, number)
        if not rest and name not in {"CMD", "ENTRYPOINT"}:
            raise DockerfileError(
                f"dockerfile parse error on line {begun + 1}: {name} requires at least one argument"
            )
        found.append(Instruction(name, rest, begun + 1, flags, heredocs))
    if not found:
        raise DockerfileError("file with no instructions")
    return found


def expand(word: str, variables: Mapping[str, str]) -> str:
    """Return a word without its quotes, references replaced; a dollar sign behind a backslash is one."""

    def quoted(match: re.Match[str]) -> str:
        if match["literal"] is not None:
            return match["literal"]
        if match["double"] is not None:
            return _IN_QUOTES.sub(value, match["double"])
        return value(match)

    def value(match: re.Match[str]) -> str:
        if match["escaped"] is not None:
            return match["escaped"]
        name, operator = match["braced"] or match["plain"], match["operator"] or ""
        current = variables.get(name)
        # With a colon, an empty variable counts as one that is not set.
        present = current is not None and (current != "" or ":" not in operator)
        if operator.endswith("-"):
            return current or "" if present else expand(match["word"], variables)
        if operator.endswith("+"):
            return expand(match["word"], variables) if present else ""
        if operator.endswith("?") and not present:
            raise DockerfileError(f"{name}: {match['word'] or 'not set'}")
        return current or ""

    return _REFERENCE.sub(quoted, word)


def pairs(instruction: Instruction) -> list[tuple[str, str]]:
    """Return names and values of ENV, LABEL and ARG, quotes kept; `ENV A b c` is one pair."""
    words = _WORD.findall(instruction.text)
    if instruction.name == "ENV" and words and "=" not in words[0]:
        name, _, value = instruction.text.partition(" ")
        return [(name, value.strip())]
    return [(name, value) for name, _, value in (word.partition("=") for word in words)]


def _escape(lines: list[str]) -> str:
    for line in lines:
        directive = _DIRECTIVE.match(line.strip())
        if directive is None:
            break
        if directive[1].lower() == "escape":
            return directive[2]
    return "\\"


def _flags(text: str) -> tuple[tuple[tuple[str, str], ...], str]:
    flags = []
    while match := _FLAG.match(text):
        flags.append((match[1], match[2] or ""))
        text = text[match.end() :]
    return tuple(flags), text


def _heredocs(
    name: str, text: str, lines: list[str], number: int
) -> tuple[tuple[Heredoc, ...], int]:
    """Return the heredocs that an instruction announces and the number of the line behind them."""
    if name not in {"RUN", "COPY", "ADD"}:
        return (), number
    found = []
    for tabs, quote, mark in _HEREDOC.findall(text):
        body = []
        while number < len(lines):
            line = lines[number].lstrip("\t") if tabs else lines[number]
            number += 1
            if line == mark:
                break
            body.append(line + "\n")
        else:
            raise DockerfileError(f"unterminated heredoc {mark}")
        found.append(Heredoc(mark, "".join(body), not quote))
    return tuple(found), number
