"""`EnvFile`: variables in the form of a .env file, expanded when they are read."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from drydock.engine.errors import EngineError
from drydock.engine.field import Call, field

from .container_config import EnvVariable
from .file import File, new_file

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_REFERENCE = re.compile(r"\$(?:(?P<plain>[A-Za-z_][A-Za-z0-9_]*)|\{(?P<braced>[^}]*)\})")
_DEFAULT = re.compile(r"^(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<operator>:?[-+])(?P<word>.*)$", re.S)


@dataclass(frozen=True)
class EnvFile:
    """Lines of a file: names and values as written; a later line overrules an earlier one."""

    graphql_type: ClassVar[str] = "EnvFile"
    lines: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, text: str) -> EnvFile:
        """Read a file; a line without `=` is a name without value."""
        lines = []
        for line in text.splitlines():
            if line.strip():
                name, _, value = line.partition("=")
                lines.append((name.strip(), value))
        return cls(tuple(lines))

    def raw(self) -> dict[str, str]:
        """Return names and values as written."""
        return dict(self.lines)

    def value(self, name: str) -> str:
        """Return one value, expanded; EngineError for a reference to nothing."""
        return _expanded(name, self.raw(), ())

    def sorted(self) -> list[tuple[str, str]]:
        """Return names and expanded values by name."""
        return [(name, self.value(name)) for name in sorted(self.raw(), key=os.fsencode)]

    async def pairs(self) -> list[tuple[str, str]]:
        """Return names and expanded values, for a container's variables."""
        return [(name, value) for name, value in self.sorted() if _NAME.fullmatch(name)]


def _expanded(name: str, raw: Mapping[str, str], using: tuple[str, ...]) -> str:
    """Return a value without its quotes, references replaced as a shell would (`set -u`)."""

    def reference(match: re.Match[str]) -> str:
        wanted = match["plain"] or match["braced"] or ""
        operator = word = ""
        if found := _DEFAULT.match(wanted):
            wanted, operator, word = found["name"], found["operator"], found["word"]
        known = wanted in raw and wanted != name and wanted not in using
        value = _expanded(wanted, raw, (*using, name)) if known else None
        filled = value is not None and (value != "" or not operator.startswith(":"))
        if operator.endswith("+"):
            return word if filled else ""
        if filled and value is not None:
            return value
        if operator.endswith("-"):
            return word
        raise EngineError(f"{name}: {wanted}: unbound variable")

    out = []
    for quote, part in _quoted(raw[name]):
        out.append(part if quote == "'" else _REFERENCE.sub(reference, part))
    return "".join(out)


def _quoted(text: str) -> list[tuple[str, str]]:
    """Split a value into parts with their kind of quote ("" outside of quotes)."""
    parts: list[tuple[str, str]] = []
    quote, current, index = "", "", 0
    while index < len(text):
        char = text[index]
        if char == "\\" and quote != "'" and index + 1 < len(text):
            if current:
                parts.append((quote, current))
                current = ""
            parts.append(("'", text[index + 1]))
            index += 2
            continue
        if char in "'\"" and quote in {"", char}:
            parts.append((quote, current))
            quote, current = ("" if quote else char), ""
        else:
            current += char
        index += 1
    parts.append((quote, current))
    return parts


@field("Query.envFile", quiet=True)
def env_file(_: object, __: Call, *, expand: bool | None) -> EnvFile:  # noqa: ARG001 - deprecated
    """Return an empty file."""
    return EnvFile()


@field("File.asEnvFile")
async def as_env_file(
    self: File, call: Call, *, expand: bool | None  # noqa: ARG001 - deprecated
) -> EnvFile:
    """Read a file's variables."""
    return EnvFile.parse((await self.read(call.runtime)).decode(errors="replace"))


@field("EnvFile.variables")
def variables(self: EnvFile, _: Call, *, raw: bool | None) -> list[EnvVariable]:
    """List the variables by name."""
    if raw:
        return [EnvVariable(name, self.raw()[name]) for name in sorted(self.raw())]
    return [EnvVariable(name, value) for name, value in self.sorted()]


@field("EnvFile.get")
def get(self: EnvFile, _: Call, *, name: str, raw: bool | None) -> str:
    """Return one value, empty if it is absent."""
    if name not in self.raw():
        return ""
    return self.raw()[name] if raw else self.value(name)


@field("EnvFile.exists")
def exists(self: EnvFile, _: Call, *, name: str) -> bool:
    """Tell whether a variable is there."""
    return name in self.raw()


@field("EnvFile.withVariable")
def with_variable(self: EnvFile, _: Call, *, name: str, value: str) -> EnvFile:
    """Add a variable, replacing an earlier one."""
    return EnvFile((*(line for line in self.lines if line[0] != name), (name, value)))


@field("EnvFile.withoutVariable")
def without_variable(self: EnvFile, _: Call, *, name: str) -> EnvFile:
    """Remove a variable."""
    return EnvFile(tuple(line for line in self.lines if line[0] != name))


@field("EnvFile.namespace")
def namespace(self: EnvFile, _: Call, *, prefix: str) -> EnvFile:
    """Return the variables that begin with a prefix and an underscore, without both."""
    wanted = prefix.rstrip("_").replace("-", "_").lower() + "_"
    return EnvFile(
        tuple(
            (name[len(wanted) :], value)
            for name, value in self.lines
            if name.lower().startswith(wanted)
        )
    )


@field("EnvFile.asFile")
def as_file(self: EnvFile, call: Call) -> File:
    """Return the variables as a file named `.env`."""
    text = "".join(f"{name}={value}\n" for name, value in self.lines)
    return new_file(call.runtime, ".env", text.encode(), 0o644)
