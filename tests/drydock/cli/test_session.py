"""The command with a private engine: the unmodified SDK, programs in a session, Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from drydock.runtime.state import StateDir

pytestmark = pytest.mark.root
ROOT = Path(__file__).resolve().parents[3]
MODULES = ROOT / "tests" / "conformance" / "golden" / "dagger" / "modules"

SCRIPT = """
import sys, anyio, dagger
async def main():
    async with dagger.connection(dagger.Config(log_output=sys.stderr, workdir=sys.argv[1])):
        print(await dagger.dag.version())
        print(await dagger.dag.host().directory(".").entries())
anyio.run(main)
"""


def _command(*words: str) -> list[str]:
    return [sys.executable, "-P", "-m", "drydock.cli", *words]


def _environ(state: StateDir) -> dict[str, str]:
    return {**os.environ, "DRYDOCK_STATE_DIR": str(state.root), "PYTHONPATH": str(ROOT)}


@pytest.fixture
def program(state: StateDir) -> Path:
    """Write a program that is called as the SDK calls its CLI."""
    path = state.root / "dagger"
    path.write_text(f'#!/bin/sh\nexec {sys.executable} -P -m drydock.cli "$@"\n')
    path.chmod(0o755)
    return path


def test_the_sdk_connects_through_the_command(
    state: StateDir, program: Path, tmp_path: Path
) -> None:
    """`dagger.connection()` starts it, works in the folder it names, and ends it."""
    (tmp_path / "here.txt").touch()
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path)],
        env={**_environ(state), "_EXPERIMENTAL_DAGGER_CLI_BIN": str(program)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "v0.21.11\n['here.txt']\n"


def test_a_session_ends_with_its_input(state: StateDir) -> None:
    """One line of JSON, then nothing; exit code 0."""
    done = subprocess.run(
        _command("session", "-s"),
        env=_environ(state),
        input="",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert set(json.loads(done.stdout)) == {"port", "session_token"}


def test_a_program_runs_in_a_session(state: StateDir) -> None:
    """Its output and exit code are passed on; the environment tells where the session is."""
    script = 'test -n "$DAGGER_SESSION_TOKEN" && echo "$OTEL_TRACES_EXPORTER" && exit 5'
    done = subprocess.run(
        _command("run", "-s", "sh", "-c", script),
        env=_environ(state),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (5, "otlp\n")


def test_a_query_reaches_the_modules_functions(state: StateDir) -> None:
    """They are fields of the root; a wrong field is refused as a whole."""
    command = _command("query", "-s", "-m", str(MODULES / "kitchen"))
    done = subprocess.run(
        command, env=_environ(state), input="{ text }", capture_output=True, text=True, check=True
    )
    assert done.stdout == '{\n    "text": "plain text"\n}\n'
    wrong = subprocess.run(
        command, env=_environ(state), input="{ nope }", capture_output=True, text=True, check=False
    )
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert (
        'Error: make request: returned error 422: {"data":null,"errors":[{"message":'
        in wrong.stderr
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_everything(state: StateDir, tmp_path: Path, number: int) -> None:
    """`Canceled.`, exit code 1, and no process of the call is left."""
    module = tmp_path / "probe"
    (module / "probe").mkdir(parents=True)
    (module / "dagger.json").write_text(
        '{"name": "probe", "engineVersion": "v0.21.11", "sdk": {"source": "python"}}'
    )
    (module / "pyproject.toml").write_text(
        '[project]\nname = "probe"\nversion = "0"\ndependencies = []\n'
        '[project.entry-points."dagger.mod"]\nmain_object = "probe:Probe"\n'
    )
    mark = f"33{os.getpid()}{int(number)}"
    (module / "probe" / "__init__.py").write_text(
        "import subprocess, anyio\nfrom dagger import function, object_type\n"
        "@object_type\nclass Probe:\n    @function\n    async def sleep(self) -> str:\n"
        f"        subprocess.Popen(['sleep', '{mark}'])\n        print('asleep')\n"
        "        await anyio.sleep(3600)\n        return 'never'\n"
    )
    child = subprocess.Popen(
        _command("call", "sleep"),
        cwd=module,
        env=_environ(state),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stderr is not None
    said = ""
    while "| asleep" not in said:
        line = child.stderr.readline()
        assert line, said
        said += line
    child.send_signal(number)
    out, rest = child.communicate()
    assert (child.returncode, out) == (1, "")
    assert "! context canceled\n" in rest
    assert rest.endswith("\n\n\nCanceled.\n")
    assert not [
        entry
        for entry in Path("/proc").glob("[0-9]*/cmdline")
        if f"\0{mark}\0".encode() in _content(entry)
    ]


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
