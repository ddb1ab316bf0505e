"""The gate that counts restarts: on a real API server, and pods as kubelets describe them."""

import itertools
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from delivery.cluster import Cluster
from delivery.gate import Policy, Result, Stage, Subject, Verdict
from delivery.gates.restarts import RestartsGate, read_restarts
from delivery.settings import Settings
from tests.delivery.conftest import Node, digest, ready
from tests.delivery.servers import Asked, alive, answer, cluster_of, subject

Obj = dict[str, Any]
NOW = datetime.now(UTC)
COUNT = itertools.count(1)


def stamp(moment: datetime) -> str:
    """Write a moment as Kubernetes does."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def pod(
    name: str = "shop-1",
    restarts: int = 0,
    made: timedelta = timedelta(hours=-1),
    ended: timedelta | None = None,
    waiting: str = "",
    **more: Any,
) -> Obj:
    """Describe a pod; times are from now."""
    last: Obj = {}
    if ended is not None:
        last = {"terminated": {"exitCode": 3, "reason": "Error", "finishedAt": stamp(NOW + ended)}}
    state = {"waiting": {"reason": waiting}} if waiting else {"running": {}}
    status = {"name": "shop", "restartCount": restarts, "lastState": last, "state": state}
    made_at = {"name": name, "creationTimestamp": stamp(NOW + made)}
    return {"metadata": made_at, "status": {"containerStatuses": [status], **more}}


def judge(
    folder: Path, *rounds: list[Obj], about: Subject | None = None, **values: object
) -> Verdict:
    """Judge pods in rounds; give the last verdict."""
    gate = read_restarts(Settings(values, "plan: gate"), "restarts", Policy())
    now: list[list[Obj]] = []
    others: list[Obj] = [pod("old", 4, ended=timedelta(seconds=5))]

    def listed(asked: Asked) -> list[bytes]:
        items = others if "other" in asked.path else now[-1]
        return [answer(200, json.dumps({"items": items}).encode())]

    with cluster_of(listed, folder) as (_, cluster):
        for pods in rounds:
            now.append(pods)
            verdict = gate.judge(cluster, about or subject(Stage.LIVE, NOW), alive)
    return verdict


def test_containers_that_run_pass_with_their_number(tmp_path: Path) -> None:
    verdict = judge(tmp_path, [pod(), pod("shop-2")])
    assert verdict == Verdict(
        "restarts",
        Result.PASS,
        "0 restarts of 2 containers, at most 0",
        {"restarts": 0, "containers": 2},
    )


def test_no_pods_are_no_data(tmp_path: Path) -> None:
    for nobody in ([], [{"metadata": {"name": "x", "creationTimestamp": stamp(NOW)}}]):
        verdict = judge(tmp_path, nobody)
        assert verdict.result is Result.NO_DATA
        (tmp_path / "api.sock").unlink()


def test_pods_that_cannot_be_listed_are_an_error(tmp_path: Path) -> None:
    gate = read_restarts(Settings({}, ""), "restarts", Policy())
    status = b'{"kind": "Status", "message": "pods is forbidden"}'
    with cluster_of(lambda _: [answer(403, status)], tmp_path) as (_, cluster):
        verdict = gate.judge(cluster, subject(), alive)
    assert verdict.result is Result.ERROR
    assert "pods is forbidden" in verdict.reason


@pytest.mark.parametrize("stage", list(Stage))
def test_before_the_switch_every_restart_is_the_releases_own(stage: Stage, tmp_path: Path) -> None:
    early = [pod(restarts=2, ended=timedelta(minutes=-10))]
    verdict = judge(tmp_path, early, about=subject(stage, NOW), at_most=1)
    assert verdict.result is (Result.FAIL if stage is Stage.PREVIEW else Result.PASS)


def test_a_restart_between_two_looks_counts(tmp_path: Path) -> None:
    before, after = [pod(restarts=7)], [pod(restarts=9)]
    assert judge(tmp_path, before, after, at_most=2).result is Result.PASS
    (tmp_path / "api.sock").unlink()
    verdict = judge(tmp_path, before, before, after, at_most=1)
    assert verdict.result is Result.FAIL
    assert verdict.numbers["restarts"] == 2


def test_a_restart_after_the_stage_began_counts_at_the_first_look(tmp_path: Path) -> None:
    recent = pod(restarts=7, ended=timedelta(seconds=1))
    verdict = judge(tmp_path, [recent])
    assert verdict.result is Result.FAIL
    assert verdict.reason == (
        "1 restarts of 1 containers, at most 0; shop-1/shop ended with exit code 3 Error"
    )


def test_a_restart_in_the_very_second_of_the_switch_counts(tmp_path: Path) -> None:
    """The pod tells the second only; that it was before the switch cannot be known."""
    about = subject(Stage.LIVE, NOW.replace(microsecond=999_999))
    verdict = judge(tmp_path, [pod(restarts=7, ended=timedelta(0))], about=about)
    assert (verdict.result, verdict.numbers["restarts"]) == (Result.FAIL, 1)


def test_a_pod_that_was_made_since_counts_from_nothing(tmp_path: Path) -> None:
    young = pod(restarts=3, made=timedelta(seconds=1), ended=timedelta(seconds=2))
    assert judge(tmp_path, [young], at_most=2).numbers["restarts"] == 3


def test_restarts_of_all_containers_are_added_up_sidecars_too(tmp_path: Path) -> None:
    side = {"name": "side", "restartCount": 1, "state": {"running": {}}}
    pods = [pod(restarts=1, initContainerStatuses=[side]), pod("shop-2", restarts=1)]
    verdict = judge(tmp_path, pods, about=subject(Stage.PREVIEW, NOW), at_most=2)
    assert (verdict.result, verdict.numbers) == (Result.FAIL, {"restarts": 3, "containers": 3})


@pytest.mark.parametrize("reason", ["CrashLoopBackOff", "ImagePullBackOff"])
def test_a_container_that_is_kept_from_starting_fails_whatever_the_limit(
    reason: str, tmp_path: Path
) -> None:
    verdict = judge(tmp_path, [pod(), pod("shop-2", waiting=reason)], at_most=100)
    assert verdict.result is Result.FAIL
    assert verdict.reason == f"shop-2/shop is kept from starting: {reason}"


@pytest.mark.parametrize(
    ("factor", "result"), [(1, Result.PASS), (0.5, Result.FAIL), (0, Result.FAIL)]
)
def test_restarts_count_when_the_other_colour_has_fewer(
    factor: float, result: Result, tmp_path: Path
) -> None:
    """The other colour's only container was restarted once since the stage began, as ours was."""
    about = subject(Stage.LIVE, NOW, baseline="app=shop,colour=other")
    pods = [pod(restarts=1, ended=timedelta(seconds=2))]
    verdict = judge(tmp_path, pods, about=about, other_colour_factor=factor)
    assert verdict.result is result
    assert ("the other colour's were restarted 1 times" in verdict.reason) == (factor == 1)


@pytest.fixture
def crashing(cluster: Cluster, node: Node) -> Iterator[tuple[Subject, dict[str, int]]]:
    """Run a pod whose restarts a test sets, on a real API server; give it as a subject."""
    namespace = f"restarts-{next(COUNT)}"
    cluster.request("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
    while cluster.find(f"/api/v1/namespaces/{namespace}/serviceaccounts/default") is None:
        time.sleep(0.02)
    restarts = {"count": 0}
    name = digest(namespace)

    def state(image: str) -> Obj:
        told = ready(image)
        told["containerStatuses"][0]["restartCount"] = restarts["count"]
        return told

    node.states[name] = state
    container = {"name": "shop", "image": f"r/shop@sha256:{name}"}
    made = {
        "metadata": {"name": "shop-1", "labels": {"app": "shop"}},
        "spec": {"containers": [container]},
    }
    cluster.request("POST", f"/api/v1/namespaces/{namespace}/pods", made)
    yield subject(Stage.LIVE, namespace=namespace, pods="app=shop"), restarts
    cluster.request("DELETE", f"/api/v1/namespaces/{namespace}/pods/shop-1")


def test_a_real_api_server_tells_of_restarts(
    cluster: Cluster, crashing: tuple[Subject, dict[str, int]]
) -> None:
    about, restarts = crashing
    gate = read_restarts(Settings({}, ""), "restarts", Policy())
    assert until(gate, cluster, about, Result.PASS).numbers["containers"] == 1
    restarts["count"] = 2
    assert until(gate, cluster, about, Result.FAIL).numbers["restarts"] == 2


def until(gate: RestartsGate, cluster: Cluster, about: Subject, result: Result) -> Verdict:
    """Ask until the verdict is as wanted."""
    deadline = time.monotonic() + 60
    while True:
        verdict = gate.judge(cluster, about, alive)
        if verdict.result is result:
            return verdict
        assert time.monotonic() < deadline, verdict
        time.sleep(0.05)
