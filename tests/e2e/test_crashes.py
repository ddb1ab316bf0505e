"""Killed and interrupted at any moment: nothing is left, and the next run works."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from tests.e2e.conftest import Shipped

pytestmark = [pytest.mark.e2e, pytest.mark.root, pytest.mark.timeout(900)]
PATIENCE_S = 20.0
SHIP = ("call", "ship", "--env=local", "--only=backend")


def processes_of(state_dir: Path) -> dict[int, str]:
    """Return every process that was started with this state directory, by id."""
    wanted = f"DRYDOCK_STATE_DIR={state_dir}".encode()
    found = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                found[int(folder.name)] = (
                    (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                )
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue  # ended while we looked, or is not ours to see
    return found


def containers(shipped: Shipped) -> set[int]:
    """Return the processes below this machine's engine that have a root file system of their own."""
    processes = processes_of(shipped.place.root / "state")
    engines = {pid for pid, line in processes.items() if "drydock.engine" in line}
    found = set()
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                own_root = (folder / "root").stat().st_dev != Path("/").stat().st_dev
                if own_root and _descends(int(folder.name), engines):
                    found.add(int(folder.name))
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue
    return found


def mounts(state_dir: Path) -> list[str]:
    """Return this host's own mounts below the state directory."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return [line for line in lines if str(state_dir) in line]


def wait_until(true: object, what: str) -> None:
    """Poll a condition for a bounded time."""
    deadline = time.monotonic() + PATIENCE_S
    assert callable(true)
    while not true():
        assert time.monotonic() < deadline, f"not within {PATIENCE_S} s: {what}"
        time.sleep(0.1)


@pytest.mark.parametrize("after_s", [0.3, 1.5, 4.0])
def test_a_killed_ship_leaves_nothing_and_the_next_one_works(
    shipped: Shipped, after_s: float
) -> None:
    before = containers(shipped)
    copy = shipped.variant(f"killed-{after_s}")
    app = copy / "services" / "backend" / "app" / "__init__.py"
    app.write_text(app.read_text() + f"\n\n# killed after {after_s} s\n")
    process = shipped.place.start(shipped.drydock, *SHIP, cwd=copy)
    time.sleep(after_s)
    process.signal(signal.SIGKILL)
    process.finish()
    wait_until(lambda: containers(shipped) <= before, "no container of the killed run is left")
    assert mounts(shipped.place.root / "state") == []
    done = shipped.call(*SHIP[1:], cwd=copy)
    assert done.code == 0, done.text


def test_interrupting_says_so_and_leaves_nothing(shipped: Shipped) -> None:
    before = containers(shipped)
    copy = shipped.variant("interrupted")
    app = copy / "services" / "backend" / "app" / "__init__.py"
    app.write_text(app.read_text() + "\n\n# interrupted\n")
    process = shipped.place.start(shipped.drydock, *SHIP, cwd=copy)
    time.sleep(3)
    process.signal(signal.SIGINT)
    done = process.finish(PATIENCE_S)
    assert done.code == 1
    assert done.stderr.rstrip().endswith("Canceled.")
    wait_until(
        lambda: containers(shipped) <= before,
        "no container of the interrupted run is left",
    )


def test_a_killed_machine_leaves_nothing_and_starts_again(shipped: Shipped) -> None:
    state = shipped.place.root / "state"
    everything = processes_of(state)
    supervisor = next(pid for pid, line in everything.items() if "drydock.supervisor" in line)
    os.kill(supervisor, signal.SIGKILL)
    wait_until(lambda: not processes_of(state), "everything ends with its supervisor")
    assert mounts(state) == []
    assert shipped.call("ship", "--env=local").code != 0
    started = shipped.place.run(shipped.drydock, "start", cwd=shipped.repository)
    assert started.code == 0, started.text
    wait_until(
        lambda: shipped.place.get("/api/health")[0] == 200, "the deployed service comes back"
    )
    done = shipped.call("ship", "--env=local")
    assert done.code == 0, done.text


def test_without_a_machine_the_next_command_is_named(shipped: Shipped) -> None:
    stopped = shipped.place.run(shipped.drydock, "stop", cwd=shipped.repository)
    assert stopped.code == 0, stopped.text
    try:
        done = shipped.call("ship", "--env=local")
        assert done.code != 0
        assert "drydock start" in done.stderr
    finally:
        shipped.place.run(shipped.drydock, "start", cwd=shipped.repository)


def _descends(pid: int, roots: set[int]) -> bool:
    while pid > 1:
        if pid in roots:
            return True
        try:
            text = Path(f"/proc/{pid}/stat").read_text()
        except FileNotFoundError:
            return False
        pid = int(text.rpartition(")")[2].split()[1])
    return False
