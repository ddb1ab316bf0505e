"""Drydock's command line answers as the real one was recorded.

Every case of `golden/dagger/cli-cases.yaml` runs against one engine of this machine. `dagger_cli_failing.txt` names the
cases that are known to differ, with the reason: a case in it that passes fails the test, so that the list only shrinks.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

HERE = Path(__file__).parent
GOLDEN = HERE / "golden" / "dagger"
ROOT = HERE.parents[1]
CASE_SECONDS = 240.0

pytestmark = pytest.mark.root


def _runner() -> ModuleType:
    spec = importlib.util.spec_from_file_location("run_cli_cases", GOLDEN / "run_cli_cases.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


RUNNER = _runner()
CASES: list[dict[str, Any]] = yaml.safe_load((GOLDEN / "cli-cases.yaml").read_text())


def _failing() -> dict[str, str]:
    """Return the names of known differences, with their reasons."""
    lines = (HERE / "dagger_cli_failing.txt").read_text().splitlines()
    entries = [line.partition("#") for line in lines if line.strip() and line[0] != "#"]
    return {name.strip(): reason.strip() for name, _, reason in entries}


FAILING = _failing()


@pytest.fixture(scope="module")
def cli() -> Iterator[Path]:
    """Start an engine in a state directory of its own; return a program that uses it."""
    from drydock.runtime.isolation import isolated_command

    with tempfile.TemporaryDirectory(prefix="dd-") as folder:
        state = Path(folder)
        (state / "run").mkdir()
        control = state / "e.sock"
        engine = subprocess.Popen(
            isolated_command(
                [
                    sys.executable,
                    "-P",
                    "-m",
                    "drydock.engine",
                    "--lifeline",
                    "--control",
                    str(control),
                ]
            ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env={**os.environ, "DRYDOCK_STATE_DIR": folder, "PYTHONPATH": str(ROOT)},
        )
        assert engine.stdin is not None
        assert engine.stdout is not None
        try:
            assert engine.stdout.readline(), "the engine did not start"
            machine = {"engine": {"control": str(control)}}
            (state / "run" / "machine.json").write_text(json.dumps(machine))
            program = state / "dagger"
            program.write_text(
                f"#!/bin/sh\nDRYDOCK_STATE_DIR={folder} PYTHONPATH={ROOT} "
                f'exec {sys.executable} -P -m drydock.cli "$@"\n'
            )
            program.chmod(0o755)
            yield program
        finally:
            engine.stdin.close()
            engine.wait(60)
            engine.stdout.close()


def test_the_list_of_differences_names_cases_only() -> None:
    """A line of the list that names no case is a mistake."""
    assert set(FAILING) <= {case["name"] for case in CASES}
    assert all(FAILING.values()), "every difference needs its reason"


@pytest.mark.parametrize("entry", CASES, ids=lambda case: str(case["name"]))
def test_command_line_answers_as_recorded(entry: dict[str, Any], cli: Path) -> None:
    """One recorded call gives the recorded output and exit code."""
    case = RUNNER.Case(**entry)
    wrong = RUNNER.run(case, str(cli), GOLDEN / "modules", CASE_SECONDS)
    if case.name in FAILING:
        assert wrong, f"{case.name} passes: take it off dagger_cli_failing.txt"
    else:
        assert not wrong, "; ".join(wrong)


def test_runner_is_the_recorded_one() -> None:
    """The cases are judged by the script that came with them."""
    assert shutil.which("git"), "the cases need git"
    assert RUNNER.pattern_of("a<re:[0-9]>").fullmatch("a1")
