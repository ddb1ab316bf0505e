"""Judging a rollout from its objects: the good end as kubectl sees it, the bad ones in seconds."""

from typing import Any

import pytest

from delivery.rollout import judge, node_seconds

Obj = dict[str, Any]


def deployment(**status: Any) -> Obj:
    """Make a Deployment of three pods at revision 2."""
    return {
        "metadata": {
            "name": "backend",
            "uid": "d",
            "generation": 4,
            "annotations": {"deployment.kubernetes.io/revision": "2"},
        },
        "spec": {"replicas": 3},
        "status": {"observedGeneration": 4, **status},
    }


def replica_set(uid: str = "new", revision: str = "2", **status: Any) -> Obj:
    """Make a replica set of the Deployment."""
    return {
        "metadata": {
            "name": uid,
            "uid": uid,
            "ownerReferences": [{"uid": "d"}],
            "annotations": {"deployment.kubernetes.io/revision": revision},
        },
        "status": status,
    }


def pod(owner: str = "new", **status: Any) -> Obj:
    """Make a pod of a replica set."""
    return {
        "metadata": {"name": f"pod-of-{owner}", "ownerReferences": [{"uid": owner}]},
        "status": status,
    }


def waiting(reason: str, owner: str = "new") -> Obj:
    """Make a pod whose container waits for a reason."""
    state = {"waiting": {"reason": reason, "message": "details"}}
    return pod(owner, containerStatuses=[{"name": "backend", "state": state}])


@pytest.mark.parametrize(
    ("status", "message", "done"),
    [
        ({"observedGeneration": 3}, "backend: waiting for the controller", False),
        ({"updatedReplicas": 1, "replicas": 3}, "backend: 1 of 3 pods are new", False),
        ({"updatedReplicas": 3, "replicas": 4}, "backend: 1 old pods are ending", False),
        (
            {"updatedReplicas": 3, "replicas": 3, "availableReplicas": 2},
            "backend: 2 of 3 pods are ready",
            False,
        ),
        (
            {"updatedReplicas": 3, "replicas": 3, "availableReplicas": 3},
            "backend: 3 of 3 pods are ready",
            True,
        ),
    ],
)
def test_the_way_to_a_good_end(status: Obj, message: str, done: bool) -> None:
    progress = judge(deployment(**status), [replica_set()], [])
    assert (progress.message, progress.done, progress.trouble) == (message, done, None)


@pytest.mark.parametrize(
    "reason",
    [
        "CrashLoopBackOff",
        "ImagePullBackOff",
        "InvalidImageName",
        "CreateContainerConfigError",
        "RunContainerError",
    ],
)
def test_a_container_that_cannot_come_up_ends_it_at_once(reason: str) -> None:
    trouble = judge(deployment(), [replica_set()], [waiting(reason)]).trouble
    assert trouble is not None
    assert trouble.reason == f"{reason}: details"
    assert (trouble.pod, trouble.patience) == ("pod-of-new", 0)


@pytest.mark.parametrize("reason", ["ContainerCreating", "PodInitializing", "ErrImagePull"])
def test_a_container_that_is_on_its_way_does_not(reason: str) -> None:
    assert judge(deployment(), [replica_set()], [waiting(reason)]).trouble is None


def test_trouble_of_the_old_pods_does_not_count() -> None:
    sets = [replica_set("old", "1"), replica_set()]
    assert judge(deployment(), sets, [waiting("CrashLoopBackOff", "old")]).trouble is None


def test_two_restarts_are_a_crash_before_the_back_off_shows() -> None:
    def crashed(times: int) -> Obj:
        ended = {"terminated": {"exitCode": 3}}
        status = {"name": "backend", "restartCount": times, "ready": False, "lastState": ended}
        return pod(containerStatuses=[status])

    assert judge(deployment(), [replica_set()], [crashed(1)]).trouble is None
    trouble = judge(deployment(), [replica_set()], [crashed(2)]).trouble
    assert trouble is not None
    assert trouble.reason == "backend keeps ending, last with exit code 3"


def without_node() -> Obj:
    """Make a pod that no node takes."""
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
    return pod(conditions=[{**condition, "message": "0/1 nodes"}])


def test_a_pod_without_a_node_gets_some_patience() -> None:
    trouble = judge(deployment(), [replica_set()], [without_node()]).trouble
    assert trouble is not None
    assert trouble.reason == "Unschedulable: 0/1 nodes"
    assert trouble.patience == 10


def test_where_nodes_come_on_demand_a_pod_waits_for_one_as_long_as_is_noted() -> None:
    waits = deployment()
    waits["metadata"]["annotations"]["shipyard.dev/node-seconds"] = "120"
    trouble = judge(waits, [replica_set()], [without_node()]).trouble
    assert trouble is not None
    assert trouble.patience == 120


@pytest.mark.parametrize("noted", ["soon", "-5", "0", "", "1e3", "nan"])
def test_a_note_that_is_no_time_is_told_and_changes_no_judgement(noted: str) -> None:
    wrong = deployment()
    wrong["metadata"]["annotations"]["shipyard.dev/node-seconds"] = noted
    with pytest.raises(ValueError, match=f"backend: annotation .* is {noted!r}, not seconds such"):
        node_seconds(wrong)
    trouble = judge(wrong, [replica_set()], [without_node()]).trouble
    assert trouble is not None
    assert trouble.patience == 10


def refused(message: str) -> Obj:
    """Say that pods cannot be made."""
    told = {"reason": "FailedCreate", "message": message}
    return {"type": "ReplicaFailure", "status": "True", **told}


def test_a_pod_that_may_not_be_made_ends_it() -> None:
    condition = refused("violates PodSecurity")
    for where in (
        judge(deployment(conditions=[condition]), [], []),
        judge(deployment(), [replica_set(conditions=[condition])], []),
    ):
        assert where.trouble is not None
        assert where.trouble.reason == "FailedCreate: violates PodSecurity"
        assert where.trouble.patience == 0


@pytest.mark.parametrize(("grace", "patience"), [(None, 40), (5, 15)])
def test_a_quota_that_ending_pods_still_fill_gets_the_time_that_they_take(
    grace: int | None, patience: int
) -> None:
    full = 'pods "shop-{}" is forbidden: exceeded quota: small, requested: pods=1, used: pods={}'
    template = {"spec": {} if grace is None else {"terminationGracePeriodSeconds": grace}}
    troubles = []
    for name, used in (("a1", 4), ("b2", 3)):
        shop = deployment(conditions=[refused(full.format(name, used))])
        shop["spec"]["template"] = template
        trouble = judge(shop, [], []).trouble
        assert trouble is not None
        troubles.append(trouble)
    # One and the same trouble, or its time would begin anew with every try.
    assert troubles[0] == troubles[1]
    assert troubles[0].reason == "FailedCreate: exceeded quota: small"
    assert troubles[0].patience == patience


@pytest.mark.parametrize(
    ("message", "patience"),
    [
        ("dial tcp 10.0.0.9:443: i/o timeout", 15),
        ("unexpected status: 503 Service Unavailable", 15),
        ("connection reset by peer", 15),
        ("toomanyrequests: slow down", 15),
        ("not found", 0),
        ("401 Unauthorized", 0),
        ("Back-off pulling image shop@sha256:500429", 0),
    ],
)
def test_a_registry_that_is_away_for_a_moment_is_asked_again(message: str, patience: int) -> None:
    state = {"waiting": {"reason": "ImagePullBackOff", "message": message}}
    away = pod(containerStatuses=[{"name": "backend", "state": state}])
    trouble = judge(deployment(), [replica_set()], [away]).trouble
    assert trouble is not None
    assert trouble.patience == patience


def test_the_deadline_of_the_deployment_ends_it() -> None:
    late = {
        "type": "Progressing",
        "status": "False",
        "reason": "ProgressDeadlineExceeded",
        "message": "m",
    }
    trouble = judge(deployment(conditions=[late]), [], []).trouble
    assert trouble is not None
    assert trouble.reason == "ProgressDeadlineExceeded: m"
