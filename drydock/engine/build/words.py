"""Words of an instruction: quotes, escapes and `${NAME:-word}`, as Dockerfiles know them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from drydock.engine.errors import EngineError

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9@*#]")
_BRACED = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?:(?P<operator>:?[-+?])(?P<word>.*))?$", re.S)


def split(text: str) -> list[str]:
    """Split at blanks outside of quotes; quotes and escapes stay."""
    words: list[str] = []
    current, quote, index = "", "", 0
    while index < len(text):
        char = text[index]
        if char == "\\" and quote != "'" and index + 1 < len(text):
            current += text[index : index + 2]
            index += 2
            continue
        if char in "'\"" and quote in {"", char}:
            quote = "" if quote else char
        if char.isspace() and not quote:
            if current:
                words.append(current)
            current = ""
        else:
            current += char
        index += 1
    return [*words, current] if current else words


def expand(text: str, variables: Mapping[str, str]) -> str:
    """Replace references, take quotes away."""
    out, quote, index = "", "", 0
    while index < len(text):
        char = text[index]
        if char == "\\" and quote != "'" and index + 1 < len(text):
            following = text[index + 1]
            # Inside double quotes only these are escaped; elsewhere everything is.
            kept = "" if not quote or following in '"$\\' else "\\"
            out += kept + following
            index += 2
            continue
        if char in "'\"" and quote in {"", char}:
            quote = "" if quote else char
            index += 1
            continue
        if char == "$" and quote != "'":
            value, index = _reference(text, index, variables)
            out += value
            continue
        out += char
        index += 1
    return out


def expand_document(text: str, variables: Mapping[str, str]) -> str:
    """Replace references in a heredoc, where quotes are ordinary characters."""
    out, index = "", 0
    while index < len(text):
        if text[index] == "\\" and text[index + 1 : index + 2] in {"$", "\\"}:
            out += text[index + 1]
            index += 2
        elif text[index] == "$":
            value, index = _reference(text, index, variables)
            out += value
        else:
            out += text[index]
            index += 1
    return out


def _reference(text: str, index: int, variables: Mapping[str, str]) -> tuple[str, int]:
    """Return the value of the reference at `index`, and the index behind it."""
    if text[index + 1 : index + 2] == "{":
        end = _closing(text, index + 2)
        return _braced(text[index + 2 : end], variables), end + 1
    if match := _NAME.match(text, index + 1):
        return variables.get(match[0], ""), match.end()
    return "$", index + 1


def _closing(text: str, index: int) -> int:
    depth = 1
    while index < len(text):
        if text.startswith("${", index):
            depth += 1
        elif text[index] == "}":
            depth -= 1
            if not depth:
                return index
        index += 1
    raise EngineError("unexpected end of statement while looking for matching }")


def _braced(inner: str, variables: Mapping[str, str]) -> str:
    match = _BRACED.match(inner)
    if match is None:
        raise EngineError(f"unsupported modifier in ${{{inner}}}")
    value = variables.get(match["name"])
    operator = match["operator"] or ""
    present = value is not None and (value != "" or not operator.startswith(":"))
    word = expand(match["word"] or "", variables)
    if operator.endswith("+"):
        return word if present else ""
    if present and value is not None:
        return value
    if operator.endswith("?"):
        raise EngineError(f"{match['name']}: {word or 'parameter not set'}")
    return word if operator else ""
