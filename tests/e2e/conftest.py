"""The workplace of the session: `make ship` in a fresh copy, as a newcomer runs it; later tests go on from there."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.workplace import Done, Workplace


@dataclass(frozen=True)
class Shipped:
    """A repository after `make ship`, and what the command printed."""

    place: Workplace
    repository: Path
    first: Done

    @property
    def drydock(self) -> str:
        """The command that the set-up installed."""
        return str(self.repository / ".venv" / "bin" / "drydock")

    def call(self, *args: str, cwd: Path | None = None) -> Done:
        """Run `drydock call ...` in the repository or in another copy."""
        return self.place.run(self.drydock, "call", *args, cwd=cwd or self.repository)

    def kubectl(self, *args: str) -> Done:
        """Run the unmodified kubectl against the cluster."""
        return self.place.run(*self._kubectl(*args), cwd=self.repository)

    def _kubectl(self, *args: str) -> tuple[str, ...]:
        kubeconfig = self.place.root / "config" / "drydock" / "kubeconfig"
        kubectl = self.repository / ".venv" / "bin" / "kubectl"
        return (str(kubectl), "--kubeconfig", str(kubeconfig), *args)

    @contextmanager
    def forwarded(self, namespace: str, service: str, port: int) -> Iterator[str]:
        """Give an address on this machine that leads to one pod of a Service, past the ingress."""
        words = ("-n", namespace, "port-forward", f"service/{service}", f":{port}")
        process = subprocess.Popen(
            self._kubectl(*words),
            env=self.place.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert process.stdout is not None
        line = process.stdout.readline()
        try:
            found = re.match(r"Forwarding from (127\.0\.0\.1:\d+) -> ", line)
            assert found, line
            yield f"http://{found[1]}"
        finally:
            process.terminate()
            process.communicate(timeout=30)

    def variant(self, name: str) -> Path:
        """Make another copy of the repository that uses the same machine."""
        copy = self.place.copy(name)
        shutil.copy2(self.repository / ".env", copy / ".env")
        return copy


@contextmanager
def stranger() -> Iterator[Workplace]:
    """Make a machine that has only been booted: no state, no caches; remove it afterwards."""
    root = Path(tempfile.mkdtemp(prefix="shipyard-e2e-", dir="/var/tmp"))
    try:
        yield Workplace.make(root)
    finally:
        shutil.rmtree(root)


@contextmanager
def newcomer() -> Iterator[Shipped]:
    """Ship from nothing but the booted machine."""
    with stranger() as place:
        repository = place.copy("repository")
        try:
            first = place.run("make", "ship", cwd=repository)
            assert first.code == 0, first.text[-6000:]
            yield Shipped(place, repository, first)
        finally:
            place.run("make", "stop", cwd=repository)


@pytest.fixture(scope="session")
def shipped() -> Iterator[Shipped]:
    """Ship once; the tests go on from there."""
    with newcomer() as shipped:
        yield shipped
