"""Commands in messages can be typed as they stand."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from drydock.runtime.invocation import typed


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the program of a virtual environment that PATH does not know."""
    program = tmp_path / "checkout/.venv/bin/drydock"
    program.parent.mkdir(parents=True)
    program.touch(mode=0o755)
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "checkout/.venv"))
    monkeypatch.setenv("PATH", str(tmp_path))
    return program


def test_below_the_working_directory_the_path_is_short(
    environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `make ship` leaves it; from elsewhere the path is whole."""
    monkeypatch.chdir(environment.parents[2])
    assert typed("stop") == ".venv/bin/drydock stop"
    monkeypatch.chdir(environment.parents[1])
    assert typed("stop") == "bin/drydock stop"
    monkeypatch.chdir("/var")
    assert typed("stop") == f"{environment} stop"


def test_a_program_on_the_path_goes_by_its_name(
    environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An activated environment needs no path."""
    monkeypatch.setenv("PATH", str(environment.parent))
    assert typed("doctor") == "drydock doctor"


def test_without_a_program_python_runs_it(environment: Path) -> None:
    """A checkout that was not installed."""
    environment.unlink()
    assert typed("start") == f"{sys.executable} -m drydock.cli start"
