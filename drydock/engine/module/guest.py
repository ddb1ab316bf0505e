"""Inside a function call: make this forked Python look like a fresh one in the module's container, then run the SDK.

The SDK read its settings from the environment when the runner imported it; they are set again here for this call.
Called by `runner.py` only.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import importlib.util
import os
import ssl
import sys
import traceback
from pathlib import Path
from typing import Any

import dagger
import dagger.mod
import dagger.mod.cli
import dagger.telemetry
import httpx
from httpx._transports import default as default_transport
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter

from drydock.engine.module import bindings

# What the SDK imports only when it connects and exports.
_LATE_IMPORTS = (
    "anyio._backends._asyncio",
    "graphql.utilities.build_client_schema",
    "httpcore._async.connection_pool",
    "opentelemetry.exporter.http.transport._requests",
    "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    "opentelemetry.instrumentation.logging",
    "opentelemetry.sdk.resources",
    "opentelemetry.trace.propagation.tracecontext",
    "requests",
)
_create_ssl_context = httpx.create_ssl_context


class PromptSpanProcessor(BatchSpanProcessor):
    """Exports a span's start at once, and its end with others.

    The engine then knows a span before the requests made below it, so that their progress is shown in the right place.
    """

    def __init__(self, exporter: SpanExporter, **settings: Any) -> None:
        super().__init__(exporter, **settings)
        self._prompt = exporter

    def on_end(self, span: ReadableSpan) -> None:
        """Take a span that ended, or (from the SDK's live processor) one that began."""
        if span.end_time is None:
            self._prompt.export([span])
        else:
            super().on_end(span)


# The SDK looks the class up in its own module when it is initialized.
vars(dagger.telemetry)["BatchSpanProcessor"] = PromptSpanProcessor


def warm_up() -> None:
    """Do ahead of all calls what every one of them would do: late imports, reading the machine's certificates."""
    for name in _LATE_IMPORTS:
        with contextlib.suppress(ImportError):  # moves between versions of its package
            importlib.import_module(name)
    certificates = httpx.create_ssl_context()

    def create_ssl_context(*args: Any, **kwargs: Any) -> ssl.SSLContext:
        return _create_ssl_context(*args, **kwargs) if args or _special(kwargs) else certificates

    vars(default_transport)["create_ssl_context"] = create_ssl_context


def _special(settings: dict[str, Any]) -> bool:
    """Return whether a client asks for other certificates than the machine's."""
    defaults = {"verify": True, "cert": None, "trust_env": True}
    return any(value != defaults.get(name) for name, value in settings.items())


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
        sys.stderr.write(f"{leaving.code}\n")
        return 1
    except BaseException:  # noqa: BLE001 - what the interpreter itself would do
        traceback.print_exc()
        return 1


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
