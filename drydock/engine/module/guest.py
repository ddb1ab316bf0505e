"""Inside a function call: make this forked Python look like a fresh one in the module's container, then run the SDK.

The SDK read its settings from the environment when the runner imported it; they are set again here for this call.
Called by `runner.py` only.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import marshal
import os
import sys
import traceback
from pathlib import Path
from typing import Any

import dagger
import dagger.mod
import dagger.mod.cli
import gql.client
import graphql

from drydock.engine.module import bindings

# Built client schemas by the digest of the introspection they came from; filled before forking (`warm_schema`).
_SCHEMAS: dict[bytes, graphql.GraphQLSchema] = {}
_build_client_schema = gql.client.build_client_schema


def run(message: dict[str, Any], source: Path) -> int:
    """Run the SDK's entry point for a call; return the exit code."""
    os.environ.clear()
    os.environ.update(message["env"])
    sys.argv = ["/runtime"]
    sys.stdout.reconfigure(write_through=True)  # type: ignore[union-attr]
    sys.stderr.reconfigure(write_through=True)  # type: ignore[union-attr]
    _set_paths(message, source)
    _set_settings(message)
    _narrow_client(message.get("bindings"))
    try:
        return dagger.mod.cli.app() or 0
    except SystemExit as leaving:
        if leaving.code is None:
            return 0
        if isinstance(leaving.code, int):
            return leaving.code & 0xFF
        print(leaving.code, file=sys.stderr)
        return 1
    except BaseException:  # noqa: BLE001 - what the interpreter itself would do
        traceback.print_exc()
        return 1


def warm_schema(introspection: dict[str, Any]) -> None:
    """Build the client's schema of an introspection once, for all children to come."""
    key = _key(introspection)
    if key not in _SCHEMAS:
        _SCHEMAS[key] = _build_client_schema(introspection)  # type: ignore[arg-type]


def _built_schema(introspection: Any, *args: Any, **kwargs: Any) -> graphql.GraphQLSchema:
    found = _SCHEMAS.get(_key(introspection))
    return found or _build_client_schema(introspection, *args, **kwargs)


def _key(introspection: Any) -> bytes:
    return hashlib.blake2b(marshal.dumps(introspection, 2)).digest()


# The client builds the same schema for every call, which costs more than the call itself.
gql.client.build_client_schema = _built_schema  # type: ignore[assignment]


def _set_paths(message: dict[str, Any], source: Path) -> None:
    """Let imports find the module's own packages first, and nothing of the engine's project."""
    prefixes = (sys.prefix, sys.base_prefix, str(Path(dagger.__file__).parent.parent))
    kept = [path for path in sys.path if path.startswith(prefixes)]
    own = [str(source / "src"), str(source)] if (source / "src").is_dir() else [str(source)]
    sys.path[:] = [*own, *message["packages"], *kept]
    sys.path_importer_cache.clear()
    for name in [name for name in sys.modules if name.partition(".")[0] in message["packages_own"]]:
        del sys.modules[name]
    importlib.invalidate_caches()


def _set_settings(message: dict[str, Any]) -> None:
    """Set what the SDK reads from the environment when it is imported."""
    from dagger.mod import _module

    main_object = message["env"]["DAGGER_MAIN_OBJECT"]
    _module.MODULE_NAME = message["env"]["DAGGER_MODULE"]  # type: ignore[misc]
    _module.MAIN_OBJECT = main_object  # type: ignore[misc]
    _module.Module.__init__.__defaults__ = (main_object,)
    dagger.mod._default_mod._main_name = main_object  # noqa: SLF001
    package = message["env"]["DAGGER_DEFAULT_PYTHON_PACKAGE"]
    dagger.mod.cli.IMPORT_PKG = package  # type: ignore[misc]
    entry = message.get("entry_point") or _fallback(package, main_object)
    found = importlib.metadata.EntryPoint(
        name=dagger.mod.cli.ENTRY_POINT_NAME, value=entry, group=dagger.mod.cli.ENTRY_POINT_GROUP
    )
    installed = importlib.metadata.entry_points

    def entry_points(**params: Any) -> Any:
        # The module is not installed here; other modules that are must not be taken for it.
        if params.get("group") == dagger.mod.cli.ENTRY_POINT_GROUP:
            return importlib.metadata.EntryPoints([found] if entry else [])
        return installed(**params)

    importlib.metadata.entry_points = entry_points


def _fallback(package: str, main_object: str) -> str:
    """Return the entry point of a module that declares none; empty to let the SDK complain."""
    for name in (package, "main"):
        if importlib.util.find_spec(name):
            return f"{name}:{main_object}"
    return ""


def _narrow_client(dependencies: list[dict[str, Any]] | None) -> None:
    """Leave out what modules may not use, add the modules that this one depends on."""
    for cls in dagger.Client.__mro__:
        if "host" in vars(cls):
            delattr(cls, "host")
    for dependency in dependencies or ():
        bindings.add(dependency)
