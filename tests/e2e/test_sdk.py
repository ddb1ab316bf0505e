"""Drydock is an engine for everybody: a script that is not Shipyard runs on it through the unmodified SDK."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.conftest import Shipped

pytestmark = [pytest.mark.e2e, pytest.mark.root, pytest.mark.timeout(900)]
SCRIPT = Path(__file__).with_name("sdk_script.py")


def test_a_plain_sdk_script_runs_on_drydock(shipped: Shipped, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("first\n")
    (tmp_path / "b.txt").write_text("second\n")
    (tmp_path / "noise.log").write_text("left out\n")
    shipped.place.environ["_EXPERIMENTAL_DAGGER_CLI_BIN"] = shipped.drydock
    python = str(shipped.repository / ".venv" / "bin" / "python")
    done = shipped.place.run(python, str(SCRIPT), str(tmp_path), cwd=tmp_path)
    assert done.code == 0, done.text
    assert json.loads(done.stdout) == {
        "entries": ["a.txt", "b.txt"],
        "stdout": "token is ***\n",
        "file": "first\nsecond\n",
        "exported": str(tmp_path / "made" / "x"),
        "web": "served\n",
        "failure": "5 bad",
    }
    assert "s3cr3t-value" not in done.stderr
    assert (tmp_path / "made" / "x").read_text() == "y"
