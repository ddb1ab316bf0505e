"""User defaults: values for arguments in `.env` files.

`NAME=value` lines. A name is `ARGUMENT` for the constructor or `FUNCTION_ARGUMENT`, in any case. Two files count: the one
beside dagger.json, where the module's name may stand in front, and the nearest one upwards from where the caller is (a
repository that uses a module which lies elsewhere), where it must. Precedence: a flag, the caller's file, the module's
file, the function's own default.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
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


def find_env(folder: Path) -> Path | None:
    """Return the nearest `.env` from a folder upwards, None if there is none."""
    candidates = (place / ".env" for place in (folder, *folder.parents))
    return next((path for path in candidates if path.is_file()), None)


def read_defaults(module: str, root: Path, workdir: Path) -> UserDefaults:
    """Read what counts for a module that lies at `root` when somebody in `workdir` calls it. Blocking."""
    nearest = find_env(workdir)
    files = [] if nearest is None else [EnvFile(nearest.parent, read_env(nearest), prefixed=True)]
    return UserDefaults(module, *files, EnvFile(root, read_env(root / ".env")))


@dataclass(frozen=True)
class EnvFile:
    """The values of one file; `prefixed`: only names that begin with the module's count."""

    folder: Path
    values: Mapping[str, str]
    prefixed: bool = False


class UserDefaults:
    """The values of some files, the first of which wins, asked for by argument."""

    def __init__(self, module: str, *files: EnvFile) -> None:
        prefix = _plain(module)
        self._values: dict[str, tuple[str, Path]] = {}
        for file in reversed(files):
            values = {_plain(name): (value, file.folder) for name, value in file.values.items()}
            own = {k.removeprefix(prefix): v for k, v in values.items() if k.startswith(prefix)}
            self._values |= own if file.prefixed else {**values, **own}

    def find(self, function: str, argument: str) -> str | None:
        """Return the value for an argument; `function` is empty for the constructor."""
        found = self._values.get(_plain(function) + _plain(argument))
        return None if found is None else found[0]

    def folder(self, function: str, argument: str) -> Path:
        """Return where paths in an argument's value begin: the folder of the file that holds it."""
        return self._values[_plain(function) + _plain(argument)][1]

    def __bool__(self) -> bool:
        """Return whether there is any value."""
        return bool(self._values)

    def used_by(self, function: Function, name: str) -> dict[str, str]:
        """Return the values for a function's arguments, by the argument's name in the API."""
        found = {arg.name: self.find(name, arg.original) for arg in function.args}
        return {argument: value for argument, value in found.items() if value is not None}


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
