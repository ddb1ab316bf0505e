"""Judging a rollout from its objects: the good end as kubectl sees it, the bad ones in seconds."""

from typing import Any

import pytest

from delivery.rollout import judge

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


def test_a_pod_without_a_node_gets_some_patience() -> None:
    unschedulable = pod(
        conditions=[
            {
                "type": "PodScheduled",
                "status": "False",
                "reason": "Unschedulable",
                "message": "0/1 nodes",
            }
        ]
    )
    trouble = judge(deployment(), [replica_set()], [unschedulable]).trouble
    assert trouble is not None
    assert trouble.reason == "Unschedulable: 0/1 nodes"
    assert trouble.patience > 0


def test_a_pod_that_may_not_be_made_ends_it() -> None:
    refused = {
        "type": "ReplicaFailure",
        "status": "True",
        "reason": "FailedCreate",
        "message": "exceeded quota",
    }
    for where in (
        judge(deployment(conditions=[refused]), [], []),
        judge(deployment(), [replica_set(conditions=[refused])], []),
    ):
        assert where.trouble is not None
        assert where.trouble.reason == "FailedCreate: exceeded quota"


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
