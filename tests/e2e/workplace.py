"""A newcomer's machine for end-to-end tests: a copy of the repository, a Drydock of its own, and the real commands.

Everything lives below one temporary folder and on free ports, so that a user's own machine is never touched. The registry
is not on port 5000 there; an `engine.json`, the file a real engine reads, names it as the mirror of localhost:5000.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile

CHECKOUT = Path(__file__).resolve().parents[2]
COMMIT_DATE = "2026-01-02T03:04:05Z"
LIMIT_S = 800.0
IDENTITY = {
    "GIT_AUTHOR_NAME": "Newcomer",
    "GIT_AUTHOR_EMAIL": "newcomer@example.com",
    "GIT_AUTHOR_DATE": COMMIT_DATE,
    "GIT_COMMITTER_NAME": "Newcomer",
    "GIT_COMMITTER_EMAIL": "newcomer@example.com",
    "GIT_COMMITTER_DATE": COMMIT_DATE,
}


@dataclass(frozen=True)
class Done:
    """A finished command."""

    code: int
    stdout: str
    stderr: str

    @property
    def text(self) -> str:
        """Both streams, for messages and searches."""
        return self.stdout + self.stderr


class Started:
    """A running command; it writes to files, so that it never waits for somebody to read."""

    def __init__(self, command: tuple[str, ...], cwd: Path, environ: Mapping[str, str]) -> None:
        self._command = command
        self._stdout = TemporaryFile("w+")  # noqa: SIM115 - finish closes both
        self._stderr = TemporaryFile("w+")  # noqa: SIM115
        self._process = subprocess.Popen(
            command,
            cwd=cwd,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=self._stdout,
            stderr=self._stderr,
            start_new_session=True,
        )

    @property
    def running(self) -> bool:
        """Tell whether it has not ended yet."""
        return self._process.poll() is None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the whole group, if there is anybody left."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    def finish(self, limit: float = LIMIT_S) -> Done:
        """Wait for its end and return what it printed."""
        try:
            code = self._process.wait(limit)
        except subprocess.TimeoutExpired:
            self.signal(signal.SIGKILL)
            self._process.wait()
            raise AssertionError(
                f"{self._command} did not end in {limit} s: {self._read()}"
            ) from None
        return Done(code, *self._read())

    def _read(self) -> tuple[str, str]:
        texts = []
        for stream in (self._stdout, self._stderr):
            stream.seek(0)
            texts.append(stream.read())
            stream.close()
        return texts[0], texts[1]


@dataclass
class Workplace:
    """One machine with one or more copies of the repository."""

    root: Path
    ports: Mapping[str, int]
    environ: dict[str, str] = field(default_factory=dict)

    @classmethod
    def make(cls, root: Path) -> Workplace:
        """Lay out the folders and choose free ports; start nothing."""
        names = ("registry", "api", "ingress")
        place = cls(root, dict(zip(names, free_ports(len(names)), strict=True)))
        config = root / "config"
        (config / "dagger").mkdir(parents=True)
        mirror = {"mirrors": [f"127.0.0.1:{place.ports['registry']}"], "http": True}
        (config / "dagger" / "engine.json").write_text(
            json.dumps({"registries": {"localhost:5000": mirror}})
        )
        kept = {
            k: v
            for k, v in os.environ.items()
            if not k.startswith(("DRYDOCK_", "DAGGER_", "SHIPYARD_"))
        }
        place.environ = {
            **kept,
            **IDENTITY,
            "XDG_CONFIG_HOME": str(config),
            "DRYDOCK_STATE_DIR": str(root / "state"),
            **{f"DRYDOCK_{name.upper()}_PORT": str(port) for name, port in place.ports.items()},
            "NO_COLOR": "1",
        }
        place.environ.pop("VIRTUAL_ENV", None)
        return place

    @property
    def ingress(self) -> str:
        """Address at which deployed services answer."""
        return f"http://127.0.0.1:{self.ports['ingress']}"

    def copy(self, name: str) -> Path:
        """Copy what git knows or would know of the checkout, and commit it at a fixed time."""
        target = self.root / name
        listed = subprocess.run(
            ["git", "ls-files", "-coz", "--exclude-standard"],
            cwd=CHECKOUT,
            check=True,
            capture_output=True,
        )
        for relative in filter(None, listed.stdout.decode().split("\0")):
            source = CHECKOUT / relative
            if source.exists():
                destination = target / relative
                destination.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, destination, follow_symlinks=False)
        self.git(target, "init", "-q", "-b", "main")
        self.commit(target)
        return target

    def commit(self, repository: Path) -> None:
        """Commit everything, always at the same time."""
        self.git(repository, "add", "-A")
        self.git(repository, "commit", "-q", "--allow-empty", "-m", "state under test")

    def git(self, repository: Path, *args: str) -> str:
        """Run git there."""
        done = subprocess.run(
            ["git", *args],
            cwd=repository,
            env=self.environ,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def run(self, *command: str, cwd: Path, limit: float = LIMIT_S) -> Done:
        """Run a command to its end."""
        return self.start(*command, cwd=cwd).finish(limit)

    def start(self, *command: str, cwd: Path) -> Started:
        """Start a command in a process group of its own."""
        return Started(command, cwd, self.environ)

    def get(self, path: str) -> tuple[int, str]:
        """Ask the ingress; return status and body, (0, reason) when nothing listens."""
        try:
            with urllib.request.urlopen(self.ingress + path, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError as error:
            return 0, str(error)


def free_ports(count: int) -> list[int]:
    """Return ports of 127.0.0.1 that were free a moment ago."""
    listeners = [socket.socket() for _ in range(count)]
    try:
        for listener in listeners:
            listener.bind(("127.0.0.1", 0))
        return [listener.getsockname()[1] for listener in listeners]
    finally:
        for listener in listeners:
            listener.close()
