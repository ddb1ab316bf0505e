"""Drydock's GraphQL API answers as a real engine was recorded.

Every probe of `golden/dagger/api/*.yaml` is one test, run in one session per file by the script that came
with the records. `dagger_api_failing.txt` names the probes that are known to differ, with the reason: a
probe on it that passes fails the test, so the list only shrinks.
"""

from __future__ import annotations

import importlib.util
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from . import standins

HERE = Path(__file__).parent
GOLDEN = HERE / "golden" / "dagger"
ROOT = HERE.parents[1]

# The recorded script is used as it came; it leaves answers with an error status unclosed.
pytestmark = [
    pytest.mark.root,
    pytest.mark.filterwarnings(
        "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
    ),
]


def _runner() -> ModuleType:
    spec = importlib.util.spec_from_file_location("run_probes", GOLDEN / "run_probes.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    close = module.Session.close

    def close_all(session: Any) -> None:
        """End the session, and close the files that the script leaves to the garbage collector."""
        close(session)
        session._child.stdout.close()
        session._log.close()

    module.Session.close = close_all
    return module


RUNNER = _runner()
PROBES: list[tuple[str, dict[str, Any]]] = [
    (file.stem, probe)
    for file in sorted((GOLDEN / "api").glob("*.yaml"))
    for probe in yaml.safe_load(file.read_text())["probes"]
]


def _failing() -> dict[str, str]:
    """Return the names (`file/probe`) of known differences, with their reasons."""
    lines = (HERE / "dagger_api_failing.txt").read_text().splitlines()
    entries = [line.partition("#") for line in lines if line.strip() and line[0] != "#"]
    return {name.strip(): reason.strip() for name, _, reason in entries}


FAILING = _failing()


@dataclass
class Replay:
    """Runs probes, keeping one session open per file."""

    program: Path
    registry: str
    file: str = ""
    run: Any = None
    stack: ExitStack = field(default_factory=ExitStack)

    def probe(self, file: str, probe: dict[str, Any]) -> list[str]:
        """Return how the answers of one probe differ from the recorded ones."""
        if file != self.file:
            self.close()
            root = Path(tempfile.mkdtemp(prefix="probes-")).resolve()
            self.stack.callback(shutil.rmtree, root, ignore_errors=True)
            variables = self.stack.enter_context(RUNNER.helper_servers(root, self.registry))
            variables["ROOT"] = str(root)
            self.run = RUNNER.ProbeRun(str(self.program), root, variables)
            self.stack.callback(self.run.close)
            self.file = file
        _, found, _ = self.run.run(probe)
        return list(found)

    def close(self) -> None:
        """End the file's session and servers."""
        self.stack.close()
        self.file = ""


@pytest.fixture(scope="module")
def replay() -> Iterator[Replay]:
    """Make a state directory, a registry and a program whose `session` is Drydock's."""
    with tempfile.TemporaryDirectory(prefix="dd-") as name, ExitStack() as stack:
        folder = Path(name)
        (folder / "registry").mkdir()
        address = stack.enter_context(standins.registry(folder / "registry"))
        standins.write_engine_config(folder / "config", address)
        program = folder / "dagger"
        program.write_text(
            f"#!/bin/sh\nexport DRYDOCK_STATE_DIR={folder}/state XDG_CONFIG_HOME={folder}/config "
            f'PYTHONPATH={ROOT}\nexec {sys.executable} -P -m drydock.cli "$@"\n'
        )
        program.chmod(0o755)
        replayed = Replay(program, address)
        try:
            yield replayed
        finally:
            replayed.close()


def test_the_list_of_differences_names_probes_only() -> None:
    """A line of the list that names no probe, or gives no reason, is a mistake."""
    assert set(FAILING) <= {f"{file}/{probe['name']}" for file, probe in PROBES}
    assert all(FAILING.values())


@pytest.mark.parametrize(
    ("file", "probe"), PROBES, ids=[f"{file}/{probe['name']}" for file, probe in PROBES]
)
def test_api_answers_as_recorded(file: str, probe: dict[str, Any], replay: Replay) -> None:
    """The answers of one probe are the recorded ones."""
    name = f"{file}/{probe['name']}"
    wrong = replay.probe(file, probe)
    if name in FAILING:
        assert wrong, f"{name} passes: take it off dagger_api_failing.txt"
    else:
        assert not wrong, "\n".join(wrong)
