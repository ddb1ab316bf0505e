"""Paths on the client's machine, which belong to the session's own process alone.

A function runs with the token of its call; what it may not read there (`without_host`), it may not write to either.
"""

from __future__ import annotations

import posixpath
from pathlib import Path

from drydock.engine.errors import EngineError
from drydock.engine.field import Call


def client_path(call: Call, path: str) -> Path:
    """Return an absolute path on the client's machine; `~` is the client's home."""
    session = call.session
    if path == "~" or path.startswith("~/"):
        path = session.environ.get("HOME", "/root") + path[1:]
    return _absolute(session.workdir, path)


def export_path(call: Call, path: str) -> Path:
    """Return where an export goes; EngineError for functions, which have no files there."""
    if call.client.function_call is not None:
        raise EngineError(
            f"{call.name}: a function cannot write to its caller's machine, and Drydock has no container of "
            "the function to write to, as a real Dagger Engine has; return the object, and export it there"
        )
    return _absolute(call.session.workdir, path)


def _absolute(workdir: Path, path: str) -> Path:
    return Path(posixpath.normpath(posixpath.join(str(workdir), path)))
