"""One delivery at a time, also when one is killed, robbed of its lock or asked to end."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from delivery import lease
from delivery.cluster import Cluster
from tests.delivery.conftest import Node, digest, waiting
from tests.delivery.rolling.conftest import ROOT, Deliver
from tests.delivery.rolling.objects import running

pytestmark = pytest.mark.usefixtures("node")


def test_two_deliveries_at_once_take_turns(
    deliver: Deliver, cluster: Cluster, namespace: str
) -> None:
    codes: dict[str, int] = {}

    def run(image: str) -> None:
        codes[image] = deliver(image)

    threads = [threading.Thread(target=run, args=(name,)) for name in ("left", "right")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == {"left": 0, "right": 0}
    assert running(cluster, namespace).endswith((digest("left"), digest("right")))


def test_the_lock_of_a_killed_job_expires(
    deliver: Deliver, cluster: Cluster, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert deliver("one") == 0
    folder = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
    held = {"spec": {"holderIdentity": "killed"}}
    cluster.request("PATCH", f"{folder}/{lease.NAME}", held)
    monkeypatch.setattr(lease, "DURATION_SECONDS", 1)
    monkeypatch.setattr(lease, "RENEW_SECONDS", 0.1)
    assert deliver("two") == 0
    found = cluster.request("GET", f"{folder}/{lease.NAME}")
    assert found["spec"].get("holderIdentity", "") == ""


def test_a_lost_lock_stops_the_delivery_without_putting_anything_back(
    deliver: Deliver,
    cluster: Cluster,
    node: Node,
    namespace: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert deliver("one") == 0
    node.states[digest("slow")] = waiting("ContainerCreating")
    monkeypatch.setattr(lease, "RENEW_SECONDS", 0.1)
    folder = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"

    def take() -> None:
        while not running(cluster, namespace).endswith(digest("slow")):
            ended.wait(0.05)
        cluster.request("PATCH", f"{folder}/{lease.NAME}", {"spec": {"holderIdentity": "other"}})

    ended = threading.Event()
    thief = threading.Thread(target=take)
    thief.start()
    try:
        assert deliver("slow") == 4
    finally:
        thief.join()
    assert "'other' holds it" in capsys.readouterr().out
    assert running(cluster, namespace).endswith(digest("slow"))


def test_a_delivery_that_is_asked_to_end_gives_the_lock_back(
    deliver: Deliver, cluster: Cluster, node: Node, namespace: str, tmp_path: Path
) -> None:
    assert deliver("one") == 0
    node.states[digest("slow")] = waiting("ContainerCreating")
    (plan,) = tmp_path.glob("plan-*.json")
    plan.write_text(plan.read_text().replace(digest("one"), digest("slow")))
    command = [sys.executable, "-m", "delivery", f"--plan={plan}"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stderr is not None
        while "pods are new" not in process.stderr.readline():
            assert process.poll() is None
        process.terminate()
        assert process.wait() == 143
    folder = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
    found = cluster.request("GET", f"{folder}/{lease.NAME}")
    assert found["spec"].get("holderIdentity", "") == ""
