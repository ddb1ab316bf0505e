"""Fixtures for everything below Drydock.

`pytest -m root` is started plainly, as root. Importing this file gives the test process a mount
namespace of its own, once, while it has a single thread: what tests mount never shows on the host
and goes with the process. There is no pid namespace, so processes that tests start have to be ended
by the code under test. Without root the tests marked `root` are skipped.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from drydock.runtime import isolation
from drydock.runtime.snapshot import SnapshotStore
from drydock.runtime.state import StateDir

if os.geteuid() == 0:
    isolation.private_mounts()
    isolation.prepare()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs root where there is none."""
    if os.geteuid() == 0:
        return
    for item in items:
        if item.get_closest_marker("root"):
            item.add_marker(pytest.mark.skip(reason="needs root and Linux namespaces"))


@pytest.fixture
def state(monkeypatch: pytest.MonkeyPatch) -> Iterator[StateDir]:
    """Make a state directory, also for subprocesses (DRYDOCK_STATE_DIR).

    Its path is short enough for sockets.
    """
    root = Path(tempfile.mkdtemp(prefix="dd-"))
    monkeypatch.setenv("DRYDOCK_STATE_DIR", str(root))
    state = StateDir(root)
    try:
        yield state
    finally:
        state.close()
        shutil.rmtree(root)


@pytest.fixture
def store(state: StateDir) -> Iterator[SnapshotStore]:
    """Open the snapshots of `state`; no view stays mounted."""
    store = SnapshotStore(state)
    yield store
    store.close()
