"""Experiments on an environment: what they do to it, what they say, and that they leave it as it was."""

import random
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from delivery.cluster import Cluster, Obj
from delivery.errors import VerificationError
from delivery.follow import get
from delivery.operations.chaos import drain, lab, load, pod_kill, restart, run
from delivery.operations.chaos.lab import NOTE, Lab, targets_of
from delivery.plan import Action, Plan
from delivery.service import Service
from tests.delivery.conftest import Node, digest, waiting
from tests.delivery.operations.conftest import BLUE_GREEN, Environment
from tests.delivery.servers import Server, always, answer, serving

FAILED = 7
SHORT = {"seconds": 30, "rate": 20}


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Let the load go to a server of the test, in place of pods that do not run."""
    with serving(always()) as (server, target):
        monkeypatch.setattr(load, "through_the_api", lambda *_where: target)
        yield server


def chaos(*kinds: str, **more: Any) -> dict[str, Any]:
    """Make the part of the plan."""
    return {"chaos": {"kinds": list(kinds), **SHORT, **more}}


def images(environment: Environment) -> dict[str, Obj]:
    """Give the template of every Deployment."""
    path = f"/apis/apps/v1/namespaces/{environment.namespace}/deployments"
    found = environment.cluster.items(path)
    return {each["metadata"]["name"]: each["spec"]["template"] for each in found}


def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note every write."""
    seen: list[str] = []
    plain = Cluster.request

    def request(self: Cluster, method: str, path: str, *rest: Any, **more: Any) -> Obj:
        if method != "GET" and threading.current_thread() is threading.main_thread():
            seen.append(f"{method} {path}")
        return plain(self, method, path, *rest, **more)

    monkeypatch.setattr(Cluster, "request", request)
    return seen


@pytest.mark.parametrize("each", [{}, BLUE_GREEN], ids=["rolling", "blue-green"])
def test_a_pod_of_each_service_goes_first_asked_then_not(
    environment: Environment, shop: Server, monkeypatch: pytest.MonkeyPatch, each: dict[str, Any]
) -> None:
    assert environment.act("deploy", each=each).code == 0
    before, templates = set(environment.names("pods")), images(environment)
    seen = asked(monkeypatch)
    done = environment.act("chaos", each=each, **chaos("pod-kill"))
    assert done.code == 0, done.summary
    for name in ("backend", "sample-app"):
        assert f"pod-kill    {name}" in done.summary
        gone = {pod for pod in before - set(environment.names("pods")) if pod.startswith(name)}
        assert 1 <= len(gone) <= 2
        ways = [each.endswith("/eviction") for each in seen if f"/pods/{name}-" in each]
        assert ways == [True, False]
    assert done.summary.count("pass: a pod evicted, a pod deleted") == 2
    assert images(environment) == templates
    assert len(shop.asked) > 40


def test_a_disruption_budget_that_says_no_is_kept(
    environment: Environment, shop: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    del shop
    assert environment.act("deploy").code == 0
    monkeypatch.setattr(pod_kill, "BUDGET_SECONDS", 0.5)
    path = f"/apis/policy/v1/namespaces/{environment.namespace}/poddisruptionbudgets/sample-app"
    environment.cluster.request("PATCH", path, {"spec": {"maxUnavailable": 0}})

    def allowed() -> int:
        return int(environment.cluster.request("GET", path)["status"]["disruptionsAllowed"])

    while allowed():
        time.sleep(0.05)
    before = {pod for pod in environment.names("pods") if pod.startswith("sample-app")}
    done = environment.act("chaos", **chaos("pod-kill"))
    assert done.code == 0, done.summary
    assert "not made: its disruption budget says no" in done.summary
    assert before <= set(environment.names("pods"))
    assert "1 passed, 1 not made" in done.summary


def test_requests_that_fail_meanwhile_are_a_failed_experiment(
    environment: Environment, shop: Server
) -> None:
    assert environment.act("deploy").code == 0
    shop.behaviour = lambda each: [answer(500 if each.number == 5 else 200)]
    done = environment.act("chaos", **chaos("pod-kill"))
    assert done.code == FAILED
    assert "fail: 1x status 500, 1 in a row" in done.summary
    assert "users would have noticed: pod-kill of " in done.summary


def good(environment: Environment, name: str) -> dict[str, Any]:
    """Give what `rollback` goes by: the mark, and the replica sets by their images."""
    found = get(environment.cluster, environment.namespace, name)
    assert found is not None
    path = f"/apis/apps/v1/namespaces/{environment.namespace}/replicasets"
    sets = environment.cluster.items(path, f"app.kubernetes.io/name={name}")
    notes = found["metadata"]["annotations"]
    return {
        "mark": notes["shipyard.dev/good"],
        "sets": sorted(each["metadata"]["name"] for each in sets),
    }


def test_an_update_under_load_and_back_leaves_no_trace(
    environment: Environment, shop: Server
) -> None:
    assert environment.act("deploy", "one").code == 0
    assert environment.act("deploy", "two").code == 0
    before, templates = good(environment, "backend"), images(environment)
    pods = set(environment.names("pods"))
    done = environment.act("chaos", "two", **chaos("restart"))
    assert done.code == 0, done.summary
    assert done.summary.count("pass: updated, and back") == 2
    assert images(environment) == templates
    assert good(environment, "backend") == before
    assert not pods & set(environment.names("pods"))
    assert len(shop.asked) > 40
    assert environment.act("rollback", "two").code == 0
    image = images(environment)["backend"]["spec"]["containers"][0]["image"]
    assert image == f"registry/backend@sha256:{digest('one')}"


def test_a_blue_green_release_is_still_the_same_after_an_update(
    environment: Environment, shop: Server
) -> None:
    del shop
    assert environment.act("deploy", "one", each=BLUE_GREEN).code == 0
    assert environment.act("deploy", "two", each=BLUE_GREEN).code == 0
    status = environment.act("status", "two", each=BLUE_GREEN).summary
    assert environment.act("chaos", "two", each=BLUE_GREEN, **chaos("restart")).code == 0
    assert environment.act("status", "two", each=BLUE_GREEN).summary == status
    again = environment.act("deploy", "two", each=BLUE_GREEN)
    assert again.code == 0
    assert "switch" not in again.progress
    assert environment.act("rollback", "two", each=BLUE_GREEN).code == 0


def test_a_machine_with_one_node_makes_no_drain_and_says_why(
    environment: Environment, shop: Server
) -> None:
    del shop
    assert environment.act("deploy").code == 0
    done = environment.act("chaos", **chaos("drain"))
    assert done.code == 0
    assert "not made: pods would have nowhere to go: only one node takes pods" in done.summary


@pytest.fixture
def second(cluster: Cluster, node: Node) -> Iterator[str]:
    """Give the name of a second node; the first one's owner tends its pods too."""
    del node
    name = "second"
    metadata = {"name": name, "labels": {"kubernetes.io/hostname": name}}
    cluster.request(
        "POST", "/api/v1/nodes", {"apiVersion": "v1", "kind": "Node", "metadata": metadata}
    )
    ready = {"type": "Ready", "status": "True", "reason": "KubeletReady"}
    amounts = {"cpu": "64", "memory": "128Gi", "pods": "500"}
    status = {"conditions": [ready], "capacity": amounts, "allocatable": amounts}
    cluster.request("PATCH", f"/api/v1/nodes/{name}/status", {"status": status})
    yield name
    cluster.request("DELETE", f"/api/v1/nodes/{name}")


def nodes(cluster: Cluster) -> dict[str, tuple[bool, bool]]:
    """Tell of each node whether it is cordoned, and whether it carries the mark of chaos."""
    return {
        each["metadata"]["name"]: (
            bool(each["spec"].get("unschedulable")),
            NOTE in (each["metadata"].get("annotations") or {}),
        )
        for each in cluster.items("/api/v1/nodes")
    }


UNTOUCHED = {"test": (False, False), "second": (False, False)}


def test_a_drained_node_loses_this_environments_pods_only_and_takes_pods_again(
    environment: Environment, shop: Server, second: str
) -> None:
    del shop, second
    assert environment.act("deploy").code == 0
    cluster = environment.cluster
    bystander = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "bystander"}}
    container = {"name": "c", "image": "x"}
    for node in ("test", "second"):
        body = {**bystander, "metadata": {"name": f"by-{node}"}}
        spec = {"nodeName": node, "containers": [container], "serviceAccountName": "default"}
        cluster.request("POST", "/api/v1/namespaces/default/pods", {**body, "spec": spec})
    done = environment.act("chaos", **chaos("drain"))
    assert done.code == 0, done.summary
    assert "pass: a pod evicted from " in done.summary
    assert nodes(cluster) == UNTOUCHED
    left = {each["metadata"]["name"] for each in cluster.items("/api/v1/namespaces/default/pods")}
    for name in ("by-test", "by-second"):
        assert name in left
        cluster.request("DELETE", f"/api/v1/namespaces/default/pods/{name}")


def a_lab(environment: Environment) -> Lab:
    """Give a lab without a run."""
    services = [
        Service(name=name, image=name, health="/health", version="one")
        for name in ("backend", "sample-app")
    ]
    plan = Plan(
        action=Action.CHAOS,
        environment="test",
        namespace=environment.namespace,
        overlay=environment.folder,
        rollout_seconds=30,
        pull_secret=None,
        revision="abc",
        services=tuple(services),
    )
    targets = targets_of(environment.cluster, plan)
    return Lab(environment.cluster, plan, targets, lambda: None, random.Random(7))


def test_what_a_killed_run_left_is_put_back_by_the_next(
    environment: Environment, shop: Server, second: str
) -> None:
    del shop
    assert environment.act("deploy").code == 0
    templates, here = images(environment), a_lab(environment)
    sets = good(environment, "backend")["sets"]
    cordoned = here.cluster.request("GET", f"/api/v1/nodes/{second}")
    drain._cordon(here, cordoned)
    restart._note(here.cluster, here.namespace, "backend", here.namespace)
    assert nodes(here.cluster)[second] == (True, True)
    done = environment.act("chaos", **chaos("pod-kill"))
    assert done.code == 0, done.summary
    assert f"put back what a run before had left: Node {second}, Deployment backend" in done.summary
    assert nodes(here.cluster) == UNTOUCHED
    assert images(environment) == templates
    assert good(environment, "backend")["sets"] == sets


def test_a_node_that_somebody_else_cordoned_stays_cordoned(
    environment: Environment, shop: Server, second: str
) -> None:
    del shop
    assert environment.act("deploy").code == 0
    path = f"/api/v1/nodes/{second}"
    for note in ({}, {NOTE: "another-environment"}):
        body = {"spec": {"unschedulable": True}, "metadata": {"annotations": note}}
        environment.cluster.request("PATCH", path, body)
        done = environment.act("chaos", **chaos("drain"))
        assert "only one node takes pods" in done.summary
        assert nodes(environment.cluster)[second][0]


def test_an_update_that_fails_is_put_back_and_the_rest_is_not_made(
    environment: Environment, shop: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    del shop
    assert environment.act("deploy").code == 0
    templates = images(environment)
    plain = Lab.whole

    def never(self: Lab, targets: tuple[lab.Target, ...], seconds: float) -> str:
        if self.plan.chaos.seconds and any(
            NOTE in str(each) for each in images(environment).values()
        ):
            return "backend: 1 of 3 pods are ready"
        return plain(self, targets, seconds)

    monkeypatch.setattr(Lab, "whole", never)
    done = environment.act("chaos", **chaos("restart"))
    assert done.code == FAILED
    assert "fail: not updated in time: backend: 1 of 3 pods are ready" in done.summary
    assert images(environment) == templates


def test_what_is_not_whole_is_not_shaken(
    environment: Environment, shop: Server, node: Node
) -> None:
    del shop
    assert environment.act("deploy", "tired").code == 0
    node.states[digest("tired")] = waiting("CrashLoopBackOff")
    path = f"/apis/apps/v1/namespaces/{environment.namespace}/deployments/backend"
    environment.cluster.request("PATCH", path, {"spec": {"replicas": 4}})
    done = environment.act("chaos", "tired", **chaos("pod-kill"))
    assert done.code == 3
    assert "Rule: only what is whole is shaken" in done.summary


def test_what_does_not_answer_is_not_shaken(
    environment: Environment, shop: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    del shop
    assert environment.act("deploy").code == 0

    def silent(*_args: object) -> None:
        raise VerificationError("backend: /health answers 500")

    monkeypatch.setattr(run, "verify", silent)
    done = environment.act("chaos", **chaos("pod-kill"))
    assert done.code == 3
    assert "Rule: only what is whole is shaken" in done.summary


def test_what_is_not_deployed_or_frozen_is_refused(environment: Environment, shop: Server) -> None:
    del shop
    assert environment.act("deploy", only=["backend"]).code == 0
    done = environment.act("chaos", **chaos("pod-kill"))
    assert (done.code, "sample-app is not deployed" in done.summary) == (3, True)
    assert environment.act("freeze", reason="audit").code == 0
    done = environment.act("chaos", only=["backend"], **chaos("pod-kill"))
    assert (done.code, "a frozen environment is left in peace" in done.summary) == (3, True)


def test_a_team_without_rights_on_nodes_or_evictions_is_told_so(
    environment: Environment, shop: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    del shop
    assert environment.act("deploy").code == 0
    for module in (drain, pod_kill):
        monkeypatch.setattr(module, "allowed", lambda *_args: False)
    done = environment.act("chaos", **chaos("pod-kill", "drain"))
    assert done.code == 0
    assert f"not made: no right to delete pods in {environment.namespace}" in done.summary
    assert "not made: no right to list nodes" in done.summary
    assert "0 passed, 2 not made" in done.summary


def test_time_that_is_over_ends_the_experiments(environment: Environment, shop: Server) -> None:
    del shop
    assert environment.act("deploy").code == 0
    here, notes = a_lab(environment), pod_kill.Notes()
    pod_kill.pod_kill(here, notes, time.monotonic() - 1)
    assert notes == pod_kill.Notes()
