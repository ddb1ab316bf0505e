"""How the CLI reaches an engine: the machine's, if one is started, else a private one.

Standard library only, because every command imports it. A private engine lives as long as the process
that attached: its standard input is a pipe that only we hold.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

_START_SECONDS = 30.0
_CONTROL_SECONDS = 60.0
_STOP_SECONDS = 30.0
_LOG_TAIL = 4000


class EngineUnavailable(Exception):  # noqa: N818 - reads as a state
    """No engine answers and none could be started."""


@dataclass
class Attached:
    """A session of ours. Use as a context manager; leaving ends it."""

    port: int
    token: str
    session: str
    trace: str
    _control: Path
    _stream: http.client.HTTPResponse
    _private: _PrivateEngine | None = None
    _closed: bool = field(default=False)

    def events(self) -> Iterator[dict[str, Any]]:
        """Yield the session's events until it ends; may run in another thread."""
        try:
            for line in self._stream:
                if line.strip():
                    event = json.loads(line)
                    if event.get("event") == "closed":
                        return
                    yield event
        except (OSError, ValueError, http.client.HTTPException, AttributeError):
            # The stream was closed under us: by `close`, or because the engine is gone.
            return

    def close(self) -> None:
        """End the session, and the engine if it is ours alone."""
        if self._closed:
            return
        self._closed = True
        # An engine that is gone has ended the session by itself.
        with contextlib.suppress(OSError, EngineUnavailable, http.client.HTTPException):
            _control(self._control, "DELETE", f"/sessions/{self.session}")
        if self._private is not None:
            self._private.stop()

    def __enter__(self) -> Attached:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def attach(environ: Mapping[str, str], workdir: Path | str, version: str = "") -> Attached:
    """Open a session on the machine's engine or on a private one.

    environ and workdir are the client's: secrets named `env://X` and relative paths are read there.
    """
    private = None
    control = running_engine()
    if control is None:
        private = _PrivateEngine()
        control = private.control
    wanted = {"workdir": str(workdir), "environ": dict(environ), "version": version}
    try:
        session = _control(control, "POST", "/sessions", wanted)
        stream = _events(control, session["session"])
    except BaseException:
        if private is not None:
            private.stop()
        raise
    return Attached(
        port=session["port"],
        token=session["token"],
        session=session["session"],
        trace=session["trace"],
        _control=control,
        _stream=stream,
        _private=private,
    )


def state_dir() -> Path:
    """Return the state directory without importing the runtime."""
    return Path(os.environ.get("DRYDOCK_STATE_DIR") or "/var/lib/drydock")


def running_engine() -> Path | None:
    """Return the control socket of the machine's engine, None if it does not answer."""
    try:
        machine = json.loads((state_dir() / "run" / "machine.json").read_text())
        control = Path(machine["engine"]["control"])
        _control(control, "GET", "/status")
    except (OSError, ValueError, KeyError, TypeError, EngineUnavailable):
        return None
    return control


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over the control socket."""

    def __init__(self, path: Path, timeout: float | None) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def _control(path: Path, method: str, target: str, body: Any = None) -> Any:
    """Ask the control socket; return the decoded answer."""
    connection = _UnixConnection(path, _CONTROL_SECONDS)
    try:
        payload = json.dumps(body).encode() if body is not None else None
        connection.request(method, target, payload, {"Content-Type": "application/json"})
        response = connection.getresponse()
        text = response.read()
    finally:
        connection.close()
    if response.status != http.client.OK:
        raise EngineUnavailable(
            f"the engine refused {method} {target}: {text.decode(errors='replace').strip()}"
        )
    return json.loads(text)


def _events(path: Path, session: str) -> http.client.HTTPResponse:
    connection = _UnixConnection(path, None)
    connection.request("GET", f"/sessions/{session}/events")
    response = connection.getresponse()
    if response.status != http.client.OK:
        raise EngineUnavailable("the engine does not give the events of a session it just opened")
    return response


class _PrivateEngine:
    """An engine of our own, isolated, ended by the end of its standard input."""

    def __init__(self) -> None:
        from drydock.runtime.isolation import isolated_command

        log = state_dir() / "logs" / "engine.log"
        try:
            log.parent.mkdir(parents=True, exist_ok=True)
            self._log: IO[bytes] = log.open("a+b")
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise EngineUnavailable(
                f"cannot write to {error.filename}: {reason}; run it as root, or set "
                "DRYDOCK_STATE_DIR to a folder that can be written to"
            ) from error
        # Socket paths are limited to 107 bytes, and a state directory may be deep.
        self._folder = Path(tempfile.mkdtemp(prefix="dd-"))
        self.control = self._folder / "engine"
        self._log_begin = self._log.seek(0, os.SEEK_END)
        argv = [
            sys.executable,
            "-P",  # the user's directory may hold a package of our name
            "-m",
            "drydock.engine",
            "--private",
            "--control",
            str(self.control),
        ]
        root = str(Path(__file__).resolve().parents[2])
        path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
        self._child = subprocess.Popen(
            isolated_command(argv),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env={**os.environ, "PYTHONPATH": path},
            start_new_session=True,  # Ctrl-C is for the client, which then ends us in order
        )
        if not self._said_ready():
            said = self._tail()
            self.stop()
            from drydock.runtime.invocation import typed

            raise EngineUnavailable(
                f"a private engine could not be started: {said}; next: {typed('doctor')}"
            )

    def _said_ready(self) -> bool:
        import select

        assert self._child.stdout is not None  # noqa: S101 - asked for above
        readable, _, _ = select.select([self._child.stdout], [], [], _START_SECONDS)
        return bool(readable and self._child.stdout.readline())

    def _tail(self) -> str:
        end = self._log.seek(0, os.SEEK_END)
        self._log.seek(max(self._log_begin, end - _LOG_TAIL))
        return self._log.read().decode(errors="replace").strip() or "it said nothing"

    def stop(self) -> None:
        """Close the lifeline, wait, and make sure."""
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None:
                pipe.close()
        try:
            self._child.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._log.close()
        shutil.rmtree(self._folder, ignore_errors=True)
