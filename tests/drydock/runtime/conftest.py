"""Parts that the tests of the runtime share.

A small root file system, a runner, a real registry.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from drydock.runtime.runner import Runner
from drydock.runtime.snapshot import Snapshot, SnapshotStore
from drydock.runtime.state import StateDir

BUSYBOX = shutil.which("busybox") or "/bin/busybox"


def fill_busybox(root: Path) -> None:
    """Make `root` a tree in which shell commands run."""
    (root / "bin").mkdir()
    shutil.copy(BUSYBOX, root / "bin/busybox")
    tools = subprocess.run([BUSYBOX, "--list"], check=True, capture_output=True, text=True)
    for tool in tools.stdout.split():
        if tool != "busybox":
            (root / "bin" / tool).symlink_to("busybox")
    (root / "etc").mkdir()
    (root / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\napp:x:1000:1001::/home/app:\n")
    (root / "etc/group").write_text("root:x:0:\nstaff:x:50:app,other\napp:x:1001:\n")


@pytest.fixture
async def busybox(store: SnapshotStore) -> Snapshot:
    """Make a snapshot with a shell and its tools in /bin."""
    async with store.edit(store.empty) as edit:
        fill_busybox(edit.path)
        return await edit.commit()


@pytest.fixture
def runner(state: StateDir) -> Runner:
    """Make a runner on the test's state directory."""
    return Runner(state)


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    """Run Debian's docker-registry on a free loopback port; yield its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    config = tmp_path / "registry.yml"
    config.write_text(
        "version: 0.1\nlog: {level: error}\n"
        f"storage: {{filesystem: {{rootdirectory: {tmp_path}/registry}}}}\n"
        f"http: {{addr: '{address}'}}\n"
    )
    program = shutil.which("docker-registry")
    if program is None:
        pytest.fail("docker-registry is not installed: make setup")
    with subprocess.Popen(
        [program, "serve", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            for _ in range(200):
                try:
                    urllib.request.urlopen(f"http://{address}/v2/", timeout=1).close()
                    break
                except (urllib.error.URLError, OSError):
                    time.sleep(0.05)
            yield address
        finally:
            process.kill()
