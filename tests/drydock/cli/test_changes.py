"""Changesets: shown and asked about on a terminal, and only then applied."""

from __future__ import annotations

import os
import pty
import shutil
import sys
from pathlib import Path

import pytest

from drydock.cli.changes import preview
from drydock.runtime.state import StateDir

ROOT = Path(__file__).resolve().parents[3]
WORKSHOP = ROOT / "tests/conformance/golden/dagger/modules/workshop"
QUESTION = b"[y/N] "


def answered(folder: Path, state: StateDir, answer: str) -> str:
    """Run `drydock generate` on a terminal of its own, answer its question, return what it showed."""
    environ = {**os.environ, "DRYDOCK_STATE_DIR": str(state.root), "PYTHONPATH": str(ROOT)}
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(folder)
        words = [sys.executable, "-P", "-m", "drydock.cli", "generate", "--silent"]
        os.execve(words[0], words, environ)
    shown = b""
    asked = False
    while True:
        try:
            piece = os.read(terminal, 4096)
        except OSError:  # the other end was closed
            break
        shown += piece
        if QUESTION in shown and not asked:
            asked = True
            os.write(terminal, f"{answer}\n".encode())
    os.close(terminal)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0, shown.decode()
    return shown.decode()


@pytest.mark.root
def test_nothing_is_written_before_somebody_says_yes(state: StateDir, tmp_path: Path) -> None:
    """The question names the files and the folder; any other answer than yes leaves them alone."""
    folder = tmp_path / "workshop"
    shutil.copytree(WORKSHOP, folder)
    before = sorted(path.name for path in folder.iterdir())
    shown = answered(folder, state, "no")
    assert f"Apply these changes to {folder}?" in shown
    assert "nothing was changed" in shown
    assert sorted(path.name for path in folder.iterdir()) == before
    answered(folder, state, "y")
    new = {path.name for path in folder.iterdir()} - set(before)
    assert len(new) == 1
    assert f"  {new.pop()}  +" in shown


def test_a_preview_tells_what_happens_to_each_file() -> None:
    """Lines that come and go; whether the file is new, gone or has another name."""
    stats = [
        {"path": "a.py", "kind": "MODIFIED", "addedLines": 2, "removedLines": 1, "oldPath": None},
        {"path": "new.txt", "kind": "ADDED", "addedLines": 1, "removedLines": 0, "oldPath": None},
        {"path": "b", "kind": "RENAMED", "addedLines": 0, "removedLines": 0, "oldPath": "c"},
    ]
    assert list(preview(stats)) == [
        "  a.py     +2 -1",
        "  new.txt  +1 -0     new",
        "  b        +0 -0     renamed from c",
    ]
