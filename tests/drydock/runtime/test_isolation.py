"""A kill -9 at any moment leaves nothing running, and the next start sweeps what is on disk."""

from __future__ import annotations

import secrets
import subprocess
import sys
import time
from pathlib import Path

import pytest

from drydock.runtime.isolation import isolated_command
from drydock.runtime.mount import mounts_below
from drydock.runtime.state import StateDir

pytestmark = pytest.mark.root

# A process as busy as an engine: an edit under way, a view, a network with its uplink, a container
# that sleeps.
BUSY = """
import asyncio, shutil, sys
from pathlib import Path
from drydock.runtime import isolation
isolation.prepare()
from drydock.runtime.network import Network
from drydock.runtime.runner import ProcessSpec, Runner
from drydock.runtime.snapshot import SnapshotStore
from drydock.runtime.state import StateDir

async def main():
    state = StateDir(Path(sys.argv[1]))
    store, runner = SnapshotStore(state), Runner(state)
    async with store.edit(store.empty) as edit:
        (edit.path / "bin").mkdir()
        shutil.copy(shutil.which("busybox") or "/bin/busybox", edit.path / "bin/sleep")
        base = await edit.commit()
    async with Network("10.98.0.0/24") as network, store.edit(base) as edit, store.view(base):
        spec = ProcessSpec(("sleep", sys.argv[2]), {"PATH": "/bin", "TOKEN": sys.argv[3]}, network=await network.attach())
        running = await runner.start(edit.path, spec, stdout=print, stderr=print)
        print("busy", flush=True)
        await running.wait()

asyncio.run(main())
"""


def processes(word: str) -> list[str]:
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            if word in line:
                found.append(line)
    return found


def test_kill_leaves_nothing_running_and_the_next_start_sweeps(state: StateDir) -> None:
    """Processes, mounts and network namespaces go with the kernel, files with the next process."""
    seconds = f"{time.time_ns()}"[:12]
    secret = secrets.token_hex(16)
    argv = [sys.executable, "-c", BUSY, str(state.root), seconds, secret]
    command = isolated_command(argv)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "busy\n"
        assert len(processes(seconds)) >= 3
        process.kill()
    deadline = time.monotonic() + 10
    while processes(seconds) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert processes(seconds) == []
    assert mounts_below(state.root) == []
    assert subprocess.run(["grep", "-r", secret, str(state.root)], check=False).returncode == 1
    assert len(list(state.run.iterdir())) == 1
    assert state.scratch.exists()
    assert [path.name for path in state.run.iterdir()] == [state.scratch.name]


def test_the_inside_sees_its_own_processes_only() -> None:
    """Process 1 inside is an init; the host's processes are out of sight."""
    command = isolated_command(["sh", "-c", "cat /proc/1/comm; ls -d /proc/[0-9]* | wc -l"])
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    name, count = done.stdout.split()
    assert name == "tini-static"
    assert int(count) < 6


def test_the_exit_code_of_the_program_comes_through() -> None:
    """Whoever started the engine learns how it ended."""
    assert subprocess.run(isolated_command(["sh", "-c", "exit 9"]), check=False).returncode == 9
