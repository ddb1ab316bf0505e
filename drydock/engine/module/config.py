"""`dagger.json`: which folder is a module, what it is called, what belongs to its source.

Read when a module source is resolved. Keys that only other tools need are accepted and ignored.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drydock.engine.errors import EngineError

FILE = "dagger.json"


@dataclass(frozen=True)
class Dependency:
    """Another module that this one calls; `source` is a path relative to dagger.json, or a git reference."""

    name: str
    source: str
    pin: str = ""


@dataclass(frozen=True)
class ModuleConfig:
    """The content of dagger.json."""

    name: str = ""
    engine_version: str = ""
    sdk: str = ""
    source: str = "."
    include: tuple[str, ...] = ()
    dependencies: tuple[Dependency, ...] = ()
    toolchains: tuple[Dependency, ...] = ()
    disable_default_caching: bool = False

    @classmethod
    def read(cls, path: Path) -> ModuleConfig:
        """Read a file; EngineError names the file and the key that is wrong."""
        try:
            data = json.loads(path.read_text())
        except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
            raise EngineError(f"failed to read module config {path}: {error}") from error
        if not isinstance(data, dict):
            raise EngineError(f"failed to read module config {path}: want a JSON object")
        reader = _Reader(path, data)
        sdk = data.get("sdk", "")
        return cls(
            name=reader.text("name"),
            engine_version=reader.text("engineVersion"),
            sdk=str(sdk.get("source", "")) if isinstance(sdk, dict) else str(sdk or ""),
            source=reader.text("source") or ".",
            include=(
                *reader.texts("include"),
                *(f"!{pattern}" for pattern in reader.texts("exclude")),
            ),
            dependencies=reader.modules("dependencies"),
            toolchains=reader.modules("toolchains"),
            disable_default_caching=bool(data.get("disableDefaultFunctionCaching", False)),
        )


@dataclass(frozen=True)
class _Reader:
    path: Path
    data: Mapping[str, Any]

    def text(self, key: str) -> str:
        value = self.data.get(key, "")
        if not isinstance(value, str):
            raise self._wrong(key, "a text")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        value = self.data.get(key) or []
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self._wrong(key, "a list of texts")
        return tuple(value)

    def modules(self, key: str) -> tuple[Dependency, ...]:
        value = self.data.get(key) or []
        if not isinstance(value, list):
            raise self._wrong(key, "a list of modules")
        found = []
        for item in value:
            entry = {"source": item} if isinstance(item, str) else item
            if not isinstance(entry, dict) or not isinstance(entry.get("source"), str):
                raise self._wrong(key, 'a list of {"name", "source"}')
            found.append(
                Dependency(str(entry.get("name", "")), entry["source"], str(entry.get("pin", "")))
            )
        return tuple(found)

    def _wrong(self, key: str, want: str) -> EngineError:
        return EngineError(f"failed to read module config {self.path}: {key} must be {want}")


_VERSION = re.compile(r"^v?(\d+)\.(\d+)\.(\d+)")


def check_engine_version(wanted: str, have: str) -> None:
    """Refuse a module that asks for a newer engine."""
    match = _VERSION.match(wanted)
    ours = _VERSION.match(have)
    if match and ours and _numbers(match) > _numbers(ours):
        raise EngineError(f"module requires dagger {wanted}, but you have {have}", lazy=True)


def _numbers(match: re.Match[str]) -> tuple[int, ...]:
    return tuple(int(part) for part in match.groups())
