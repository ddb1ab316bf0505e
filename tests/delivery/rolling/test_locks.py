"""One delivery at a time, also when one is killed, robbed of its lock or asked to end."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
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
        assert deliver("slow") == 1
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


def test_a_rollback_that_waits_for_the_environment_holds_nothing_that_a_deploy_needs(
    deliver: Deliver, cluster: Cluster, namespace: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert deliver("one") == 0
    assert deliver("two") == 0
    codes = list[int]()
    back = threading.Thread(target=lambda: codes.append(deliver("two", "rollback")), daemon=True)
    # A deploy takes the environment first, then the services.
    with lease.locked(cluster, namespace, "deploy", 5):
        back.start()
        told = ""
        while "waiting for the delivery that holds the lock: deploy" not in told:
            assert back.is_alive(), told
            told += capsys.readouterr().err
            time.sleep(0.05)
        with lease.locked(cluster, namespace, "deploy", 5, lease.name_of("backend")):
            assert running(cluster, namespace).endswith(digest("two"))
    back.join()
    assert codes == [0]
    assert running(cluster, namespace).endswith(digest("one"))


def test_ctrl_c_gives_the_lock_back(
    deliver: Deliver, cluster: Cluster, node: Node, namespace: str, tmp_path: Path
) -> None:
    assert deliver("one") == 0
    node.states[digest("slow")] = waiting("ContainerCreating")
    (plan,) = tmp_path.glob("plan-*.json")
    plan.write_text(plan.read_text().replace(digest("one"), digest("slow")))
    command = [sys.executable, "-m", "delivery", f"--plan={plan}"]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        start_new_session=True,
    ) as process:
        assert process.stderr is not None
        while "pods are new" not in process.stderr.readline():
            assert process.poll() is None
        # As a terminal does: to everything in the foreground.
        os.killpg(process.pid, signal.SIGINT)
        out, _ = process.communicate(timeout=30)
        assert process.returncode == 130
    assert json.loads(out)["outcome"] == "Interrupted"
    folder = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
    for name in (lease.NAME, lease.name_of("backend")):
        found = cluster.request("GET", f"{folder}/{name}")
        assert found["spec"].get("holderIdentity", "") == ""
