"""The proxy of kubectl that reading goes through: it outlives bad times and Ctrl-C, and finds servers behind a path."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from delivery.proxy import ALIAS, connect
from tests.delivery.conftest import KUBECTL
from tests.delivery.servers import always, serving
from tests.delivery.test_access import CONFIG

REQUESTS = 1000
"""A line of some 130 bytes for each: twice what a pipe holds."""
INTERRUPTED = """
import os, signal, time
from delivery.proxy import connect
signal.signal(signal.SIGINT, lambda *_: None)
with connect() as cluster:
    os.killpg(0, signal.SIGINT)
    time.sleep(0.5)
    print(cluster.request("GET", "/version")["gitVersion"])
"""
KILLED = """
import os, signal
from pathlib import Path
from delivery.proxy import connect
with connect():
    print(Path(f"/proc/self/task/{os.getpid()}/children").read_text(), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(autouse=True)
def _kubectl(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{KUBECTL}:{os.environ['PATH']}")
    monkeypatch.delenv(ALIAS, raising=False)


def use(monkeypatch: pytest.MonkeyPatch, folder: Path, server: str) -> None:
    """Use a kubeconfig that names a server."""
    path = folder / "config"
    clusters = [{"name": "c", "cluster": {"server": server}}]
    path.write_text(json.dumps({**CONFIG, "clusters": clusters}))
    monkeypatch.setenv("KUBECONFIG", str(path))


def test_a_server_that_is_away_for_long_does_not_silence_the_proxy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    use(monkeypatch, tmp_path, "https://127.0.0.1:1")
    with connect() as cluster:
        answers = {cluster.raw("GET", "/version", seconds=5)[0] for _ in range(REQUESTS)}
    assert answers == {500}


def test_ctrl_c_leaves_the_way_to_the_cluster_open_for_giving_the_lock_back(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with serving(always(200, b'{"gitVersion": "v1"}')) as (_, target):
        use(monkeypatch, tmp_path, f"http://127.0.0.1:{target.port}")
        # A terminal sends Ctrl-C to everything in the foreground: to the group of the delivery.
        done = subprocess.run(
            [sys.executable, "-c", INTERRUPTED],
            capture_output=True,
            text=True,
            check=False,
            start_new_session=True,
        )
    assert (done.stdout, done.returncode) == ("v1\n", 0), done.stderr


def test_a_run_that_is_killed_leaves_no_proxy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    use(monkeypatch, tmp_path, "https://127.0.0.1:1")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    done = subprocess.run(
        [sys.executable, "-c", KILLED], capture_output=True, text=True, check=False
    )
    assert done.returncode == -signal.SIGKILL
    (proxy,) = done.stdout.split()
    deadline = time.monotonic() + 20
    while Path(f"/proc/{proxy}").exists():
        assert time.monotonic() < deadline, "kubectl proxy lives on"
        time.sleep(0.05)


@pytest.mark.parametrize("alias", ["", "127.0.0.1"])
def test_a_server_behind_a_path_is_asked_behind_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, alias: str
) -> None:
    if alias:
        monkeypatch.setenv(ALIAS, alias)
    with serving(always(200, b"{}")) as (server, target):
        use(monkeypatch, tmp_path, f"http://127.0.0.1:{target.port}/k8s/clusters/c-1")
        with connect() as cluster:
            cluster.request("GET", "/api/v1/pods?labelSelector=a%3Db")
            cluster.request("GET", "/api/v1/namespaces/n/services/s:80/proxy/a%2Fb")
    assert server.paths == [
        "/k8s/clusters/c-1/api/v1/pods?labelSelector=a%3Db",
        "/k8s/clusters/c-1/api/v1/namespaces/n/services/s:80/proxy/a%2Fb",
    ]
