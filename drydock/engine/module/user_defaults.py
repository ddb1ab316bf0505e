"""User defaults: values for arguments in a `.env` beside dagger.json.

`NAME=value` lines. A name is `ARGUMENT` for the constructor or `FUNCTION_ARGUMENT`, with the module's name in front if one
likes, in any case. Precedence: a flag, then this file, then the function's own default.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from drydock.engine.errors import EngineError
from drydock.engine.module.typedefs import Function

_LINE = re.compile(r"^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.-]*)\s*=\s*(.*?)\s*$")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}
_LIMIT_BYTES = 1 << 20


def read_env(path: Path) -> dict[str, str]:
    """Read a `.env` file; an absent one is empty. EngineError names the line that is wrong."""
    if not path.is_file():
        return {}
    if path.stat().st_size > _LIMIT_BYTES:
        raise EngineError(f"{path}: larger than {_LIMIT_BYTES} bytes, this is no .env file")
    values: dict[str, str] = {}
    for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.match(line)
        if match is None:
            raise EngineError(f"{path}:{number}: want NAME=value")
        values[match[1]] = _unquote(match[2])
    return values


def _unquote(text: str) -> str:
    if text[:1] == "'" and (end := text.find("'", 1)) > 0:
        return text[1:end]
    if text[:1] == '"':
        match = re.match(r'"((?:[^"\\]|\\.)*)"', text)
        if match:
            return re.sub(r"\\(.)", lambda m: _ESCAPES.get(m[1], m[1]), match[1])
    return re.split(r"\s+#", text, maxsplit=1)[0]


class UserDefaults:
    """The values of one file, asked for by argument."""

    def __init__(self, module: str, values: Mapping[str, str]) -> None:
        self._module = _plain(module)
        self._values = {_plain(name): value for name, value in values.items()}

    def find(self, function: str, argument: str) -> str | None:
        """Return the value for an argument; `function` is empty for the constructor."""
        name = _plain(function) + _plain(argument)
        found = self._values.get(self._module + name)
        return self._values.get(name) if found is None else found

    def __bool__(self) -> bool:
        """Return whether there is any value."""
        return bool(self._values)

    def used_by(self, function: Function, name: str) -> dict[str, str]:
        """Return the values for a function's arguments, by the argument's name in the API."""
        found = {arg.name: self.find(name, arg.original) for arg in function.args}
        return {argument: value for argument, value in found.items() if value is not None}


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
