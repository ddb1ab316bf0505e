"""Module sources: from a reference on the command line to a folder, its configuration and its files.

The module's own files are what `dagger.json` includes below its folder, without what git ignores. Directories that
functions take from their context (`DefaultPath`) are read separately and are not narrowed by either.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from drydock.engine.ask import ask, load
from drydock.engine.errors import EngineError
from drydock.engine.field import Call, Identity
from drydock.engine.module.config import FILE, ModuleConfig

if TYPE_CHECKING:
    from drydock.engine.session import Client

# Made anew by every engine, never part of a source.
_GENERATED = (".venv", "sdk", "**/__pycache__")
_REMOTE = ("https://", "http://", "git@", "ssh://", "git://", "github.com/", "gitlab.com/")


@dataclass(frozen=True)
class SDKConfig:
    """The language of a module."""

    graphql_type: ClassVar[str] = "SDKConfig"
    source: str
    debug: bool = False


@dataclass(frozen=True)
class ModuleSource:
    """A folder with (or without) a dagger.json. `root` holds dagger.json, `context` the repository around it."""

    graphql_type: ClassVar[str] = "ModuleSource"
    reference: str
    root: Path
    context: Path
    config: ModuleConfig
    exists: bool = True
    directory: Any = field(default=None, compare=False)
    tree_digest: str = ""

    @property
    def identity(self) -> Identity:
        """A local source is named by its folder; what is in it is read once per session."""
        return Identity("Query.moduleSource", {"refString": str(self.root), "disableFindUp": True})

    @property
    def subpath(self) -> str:
        """The module's folder below the context directory; `.` at its top."""
        return self.root.relative_to(self.context).as_posix() or "."

    def exclusions(self) -> list[str]:
        """Return dockerignore-like patterns that leave the module's own files, seen from `root`."""
        patterns: list[str] = []
        source = self.config.source.strip("/").removeprefix("./")
        if source not in {"", "."}:
            patterns += ["*", f"!{FILE}", f"!{source}"]
        for pattern in self.config.include:
            patterns.append(pattern[1:] if pattern.startswith("!") else f"!{pattern}")
        return patterns + list(_GENERATED)

    async def read(self, client: Client) -> ModuleSource:
        """Return the source with its files read (once per session)."""
        if self.directory is not None:
            return self
        data = await ask(
            client,
            "query($path: String!, $exclude: [String!]) "
            "{ host { directory(path: $path, exclude: $exclude, gitignore: true) { id } } }",
            {"path": str(self.root), "exclude": self.exclusions()},
            hidden=True,
        )
        directory = await load(client, data["host"]["directory"]["id"])
        key = f"{await directory.tree.key()}:{directory.path}"
        return replace(self, directory=directory, tree_digest=short_digest(key))


def short_digest(*parts: Any) -> str:
    """Return a digest in the short form that paths and listings show."""
    text = json.dumps(parts, sort_keys=True)
    return f"xxh3:{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def resolve(
    reference: str, workdir: Path, *, find_up: bool = True, required: bool = True
) -> ModuleSource:
    """Find the module that a reference names, relative to the caller's folder. Blocking, quick."""
    if reference.startswith(_REMOTE):
        raise EngineError(
            f'resolving module source "{reference}": Drydock loads modules from local folders only; '
            "clone the repository and name its folder, or use a real Dagger Engine"
        )
    folder = (workdir / Path(reference).expanduser()).resolve()
    if not folder.is_dir():
        if not required:
            return ModuleSource(reference, folder, folder, ModuleConfig(), exists=False)
        raise EngineError(
            f'resolving module source "{reference}": local path "{reference}" does not exist',
            lazy=True,
        )
    found = _find_up(folder, FILE) if find_up else (folder if (folder / FILE).is_file() else None)
    if found is None:
        context = _find_up(folder, ".git") or folder
        return ModuleSource(reference, folder, context, ModuleConfig(), exists=False)
    context = _find_up(found, ".git") or found
    return ModuleSource(reference, found, context, ModuleConfig.read(found / FILE))


def _find_up(folder: Path, name: str) -> Path | None:
    return next((here for here in (folder, *folder.parents) if (here / name).exists()), None)


async def context_value(
    client: Client, source: ModuleSource, kind: str, path: str, ignore: tuple[str, ...]
) -> str:
    """Read what a DefaultPath names from the context directory; return its id.

    An absolute path begins at the repository's root, a relative one at the folder of dagger.json.
    """
    base = source.context if path.startswith("/") else source.root
    target = (base / path.lstrip("/")).resolve()
    if not target.is_relative_to(source.context):
        raise EngineError(f'path "{path}" is outside of context directory "{source.context}"')
    if kind in {"GitRepository", "GitRef"}:
        field_name = "gitRepository" if kind == "GitRepository" else "gitRef"
        query = f"query($path: String!) {{ address(value: $path) {{ {field_name} {{ id }} }} }}"
        return _only(await ask(client, query, {"path": str(target)}))
    if kind == "File":
        query = "query($path: String!) { host { file(path: $path) { id } } }"
        return _only(await ask(client, query, {"path": str(target)}))
    query = (
        "query($path: String!, $exclude: [String!]) "
        "{ host { directory(path: $path, exclude: $exclude) { id } } }"
    )
    return _only(await ask(client, query, {"path": str(target), "exclude": list(ignore)}))


def _only(data: Any) -> str:
    while isinstance(data, dict):
        data = next(iter(data.values()))
    return str(data)


def workdir_of(call: Call) -> Path:
    """Return the folder that relative references of a client begin at."""
    return call.session.workdir
