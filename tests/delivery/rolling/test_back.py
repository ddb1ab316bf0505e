"""Going back: by itself with evidence, by a person, and where that does not lead."""

import json
from pathlib import Path

import pytest

from delivery import release
from delivery.cluster import Cluster
from delivery.errors import VerificationError
from delivery.follow import Watch
from tests.delivery.conftest import Node, digest, waiting
from tests.delivery.rolling.conftest import Deliver
from tests.delivery.rolling.objects import restarted, running, service, variables

pytestmark = pytest.mark.usefixtures("node")


@pytest.mark.parametrize(
    "reason", ["CrashLoopBackOff", "ImagePullBackOff", "CreateContainerConfigError"]
)
def test_what_cannot_come_up_is_put_back_with_evidence(
    deliver: Deliver,
    cluster: Cluster,
    node: Node,
    namespace: str,
    reason: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert deliver("good") == 0
    node.states[digest(reason)] = waiting(reason)
    assert deliver(reason) == 4
    told = capsys.readouterr()
    result = json.loads(told.out.splitlines()[-1])
    assert f"backend: {reason}: {reason} of the test" in result["summary"]
    assert "Rolled back: backend: 3 of 3 ready" in result["summary"]
    for part in ("--- events", "--- describe pod backend-", "--- logs of backend-"):
        assert part in told.err
    assert told.err.index("=== evidence") < told.err.index("rolled back")
    assert running(cluster, namespace).endswith(digest("good"))


def test_after_a_rollback_the_next_release_goes_through(
    deliver: Deliver, cluster: Cluster, node: Node, namespace: str
) -> None:
    assert deliver("good") == 0
    node.states[digest("bad")] = waiting("CrashLoopBackOff")
    assert deliver("bad") == 4
    assert deliver("better") == 0
    assert running(cluster, namespace).endswith(digest("better"))


def test_a_first_release_that_fails_has_nothing_to_go_back_to(
    deliver: Deliver, node: Node, capsys: pytest.CaptureFixture[str]
) -> None:
    node.states[digest("bad")] = waiting("CrashLoopBackOff")
    assert deliver("bad") == 4
    assert "nothing to roll back to" in capsys.readouterr().out


def test_what_a_killed_delivery_left_is_not_taken_for_good(
    deliver: Deliver, cluster: Cluster, node: Node, namespace: str
) -> None:
    assert deliver("good") == 0
    for name in ("killed", "bad"):
        node.states[digest(name)] = waiting("CrashLoopBackOff")
    template = {
        "spec": {"containers": [{"name": "backend", "image": f"x@sha256:{digest('killed')}"}]}
    }
    patch = json.dumps({"spec": {"template": template}})
    cluster.kubectl("patch", "deployment/backend", "-n", namespace, f"--patch={patch}")
    assert deliver("bad") == 4
    assert running(cluster, namespace).endswith(digest("good"))


def test_a_first_release_that_was_killed_is_nothing_to_go_back_to(
    deliver: Deliver,
    node: Node,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def die(*_args: object) -> None:
        raise KeyboardInterrupt

    for name in ("first", "bad"):
        node.states[digest(name)] = waiting("CrashLoopBackOff")
    with monkeypatch.context() as killed:
        killed.setattr(Watch, "look", die)
        assert deliver("first") == 130
    assert "Run it again: that finishes or undoes it" in capsys.readouterr().out
    assert deliver("bad") == 4
    assert "nothing to roll back to" in capsys.readouterr().out


def test_what_comes_up_but_does_not_answer_is_put_back(
    deliver: Deliver, cluster: Cluster, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert deliver("good") == 0

    def silent(*_args: object) -> None:
        raise VerificationError("backend: /api/health answers 500")

    monkeypatch.setattr(release, "verify", silent)
    assert deliver("silent") == 6
    assert running(cluster, namespace).endswith(digest("good"))


def test_an_unchanged_release_that_does_not_answer_is_left_alone(
    deliver: Deliver,
    cluster: Cluster,
    namespace: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert deliver("older") == 0
    assert deliver("good") == 0

    def silent(*_args: object) -> None:
        raise VerificationError("backend: /api/health answers 500")

    monkeypatch.setattr(release, "verify", silent)
    assert deliver("good") == 6
    assert "nothing was rolled back" in capsys.readouterr().out
    assert running(cluster, namespace).endswith(digest("good"))


def test_rollback_goes_to_the_revision_before(
    deliver: Deliver, cluster: Cluster, namespace: str
) -> None:
    assert deliver("one") == 0
    assert deliver("two") == 0
    assert deliver("two", "rollback") == 0
    assert running(cluster, namespace).endswith(digest("one"))


def test_rollback_skips_what_a_killed_delivery_left(
    deliver: Deliver, cluster: Cluster, node: Node, namespace: str
) -> None:
    assert deliver("good") == 0
    node.states[digest("killed")] = waiting("CrashLoopBackOff")
    template = {
        "spec": {"containers": [{"name": "backend", "image": f"x@sha256:{digest('killed')}"}]}
    }
    patch = json.dumps({"spec": {"template": template}})
    cluster.kubectl("patch", "deployment/backend", "-n", namespace, f"--patch={patch}")
    assert deliver("newer") == 0
    assert deliver("newer", "rollback") == 0
    assert running(cluster, namespace).endswith(digest("good"))


def test_rollback_goes_nowhere_when_its_history_is_lost_and_it_went_back_already(
    deliver: Deliver, cluster: Cluster, namespace: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert deliver("one") == 0
    assert deliver("two") == 0
    assert deliver("two", "rollback") == 0
    cluster.request("DELETE", f"/api/v1/namespaces/{namespace}/configmaps/shipyard-history-backend")
    assert deliver("two", "rollback") == 3
    assert "no revision before the present one: backend" in capsys.readouterr().out
    assert running(cluster, namespace).endswith(digest("one"))


def test_beyond_a_barrier_a_failed_release_stays_and_says_so(
    deliver: Deliver,
    cluster: Cluster,
    node: Node,
    namespace: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert deliver("good") == 0
    node.states[digest("bad")] = waiting("CrashLoopBackOff")
    barred = service("bad", barrier="drops a column")
    assert deliver("bad", services=[barred]) == 5
    told = json.loads(capsys.readouterr().out.splitlines()[-1])["summary"]
    assert "backend declares a barrier (drops a column), so it was not rolled back" in told
    assert f"kubectl -n {namespace} rollout undo deployment/backend --to-revision=1" in told
    assert running(cluster, namespace).endswith(digest("bad"))
    assert deliver("bad", "rollback") == 3
    assert "declares a barrier: drops a column" in capsys.readouterr().out


def test_a_live_gate_that_blocks_takes_a_rolling_service_back(
    deliver: Deliver,
    cluster: Cluster,
    node: Node,
    namespace: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert deliver("good") == 0
    node.states[digest("restless")] = restarted
    gated = service("restless", gates={"live": [{"kind": "restarts"}]})
    assert deliver("restless", services=[gated]) == 6
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert "backend: gate restarts: fail" in result["summary"]
    assert [each["verdict"] for each in result["records"]] == ["rolled back"]
    assert running(cluster, namespace).endswith(digest("good"))


def test_what_a_rollback_brought_back_can_be_removed_by_the_next_release(
    deliver: Deliver, cluster: Cluster, node: Node, namespace: str, tmp_path: Path
) -> None:
    path = tmp_path / "overlay/kustomization.yaml"
    plain = json.loads(path.read_text())
    variable = {"name": "OLD", "value": "yes"}
    add = [{"op": "add", "path": "/spec/template/spec/containers/0/env/-", "value": variable}]
    patch = {"target": {"kind": "Deployment", "name": "backend"}, "patch": json.dumps(add)}
    path.write_text(json.dumps({**plain, "patches": [patch]}))
    assert deliver("with") == 0
    path.write_text(json.dumps(plain))
    node.states[digest("bad")] = waiting("CrashLoopBackOff")
    assert deliver("bad") == 4
    assert variable in variables(cluster, namespace)
    assert deliver("without") == 0
    assert variable not in variables(cluster, namespace)
