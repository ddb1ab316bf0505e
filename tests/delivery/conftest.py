"""A real API server with real controllers for the delivery's tests, and a node that says what the test wants."""

import hashlib
import itertools
import json
import os
import select
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from delivery import proxy
from delivery.cluster import ApiError, Cluster

KUBECTL = Path(sys.executable).parent
START_SECONDS = 60
COUNT = itertools.count(1)
Obj = dict[str, Any]


class Node:
    """A node without containers: every pod is given a state by its image."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self.states: dict[str, Callable[[str], Obj]] = {}

    def start(self) -> None:
        """Become a node and begin to watch over the pods."""
        ready = {"type": "Ready", "status": "True", "reason": "KubeletReady"}
        amounts = {"cpu": "64", "memory": "128Gi", "pods": "500"}
        node = {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": "test", "labels": {"kubernetes.io/hostname": "test"}},
        }
        self._cluster.request("POST", "/api/v1/nodes", node)
        status = {"conditions": [ready], "capacity": amounts, "allocatable": amounts}
        self._cluster.request("PATCH", "/api/v1/nodes/test/status", {"status": status})
        self._thread.start()

    def stop(self) -> None:
        """Stop working."""
        self._ended.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._ended.wait(0.1):
            for pod in self._cluster.items("/api/v1/pods"):
                try:
                    self._tend(pod)
                except ApiError as error:
                    if error.status not in (404, 409):
                        raise

    def _tend(self, pod: Obj) -> None:
        meta = pod["metadata"]
        path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}"
        if meta.get("deletionTimestamp"):
            self._cluster.request("DELETE", f"{path}?gracePeriodSeconds=0")
        elif pod["spec"].get("nodeName"):
            container = pod["spec"]["containers"][0]
            image = container["image"]
            status = self.states.get(image.rpartition(":")[2], ready)(image)
            status["containerStatuses"][0]["name"] = container["name"]
            if pod.get("status", {}).get("containerStatuses") != status["containerStatuses"]:
                self._cluster.request("PATCH", f"{path}/status", {"status": status})


def digest(name: str) -> str:
    """Give an image a digest by a name."""
    return hashlib.sha256(name.encode()).hexdigest()


def _container(image: str, **state: Any) -> Obj:
    base = {"image": image, "imageID": "", "ready": False, "restartCount": 0}
    return {**base, "started": False, **state}


def ready(image: str) -> Obj:
    """Say that a pod runs and is ready."""
    running = {"running": {"startedAt": "2026-01-01T00:00:00Z"}}
    conditions = [
        {"type": kind, "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}
        for kind in ("Initialized", "ContainersReady", "Ready")
    ]
    return {
        "phase": "Running",
        "podIP": "10.0.0.1",
        "podIPs": [{"ip": "10.0.0.1"}],
        "conditions": conditions,
        "containerStatuses": [_container(image, ready=True, started=True, state=running)],
    }


def waiting(reason: str) -> Callable[[str], Obj]:
    """Say that a pod's container cannot start."""

    def state(image: str) -> Obj:
        blocked = {"waiting": {"reason": reason, "message": f"{reason} of the test"}}
        return {"phase": "Pending", "containerStatuses": [_container(image, state=blocked)]}

    return state


@pytest.fixture(scope="package")
def _server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Run an API server with its controllers; give its kubeconfig."""
    state = tmp_path_factory.mktemp("cluster")
    kubeconfig = state / "kubeconfig"
    command = [sys.executable, "-m", "drydock.cluster", "--kubelet=off", "--api-port=0"]
    where = [f"--state-dir={state}", f"--kubeconfig={kubeconfig}", "--lifeline"]
    with (state / "log").open("wb") as log:
        server = subprocess.Popen(
            [*command, *where], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log
        )
    assert server.stdin is not None
    assert server.stdout is not None
    try:
        readable, _, _ = select.select([server.stdout], [], [], START_SECONDS)
        assert readable, (state / "log").read_text()
        assert json.loads(server.stdout.readline())["ready"], (state / "log").read_text()
        yield kubeconfig
    finally:
        server.stdin.close()
        server.wait(30)
        server.stdout.close()


@pytest.fixture(scope="package")
def _environment(_server: Path) -> Iterator[None]:
    """Point kubectl at the server."""
    before = dict(os.environ)
    os.environ["KUBECONFIG"] = str(_server)
    os.environ["PATH"] = f"{KUBECTL}:{os.environ['PATH']}"
    os.environ.pop(proxy.ALIAS, None)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="package")
def cluster(_environment: None) -> Iterator[Cluster]:
    """Give the way to the cluster that the delivery itself uses."""
    with proxy.connect() as opened:
        yield opened


@pytest.fixture(scope="package")
def node(cluster: Cluster) -> Iterator[Node]:
    """Give the only node."""
    only = Node(cluster)
    only.start()
    yield only
    only.stop()


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    """Give a namespace that no other test uses; the delivery makes it. It goes, for its pods keep the node busy."""
    name = f"test-{next(COUNT)}"
    yield name
    path = f"/api/v1/namespaces/{name}"
    if cluster.find(path) is not None:
        cluster.request("DELETE", path)
