"""StatefulSets, DaemonSets, Jobs, the scheduler and disruption budgets."""

from __future__ import annotations

import asyncio

import pytest

from drydock.cluster.controllers.completion import completed_indexes, render_indexes
from drydock.cluster.controllers.history import LABEL
from drydock.cluster.controllers.job import FINALIZER
from drydock.cluster.controllers.meta import annotations_of, condition_of, labels_of
from tests.drydock.cluster.controllers.conftest import template

PODS, JOBS = "v1/Pod", "batch/v1/Job"


def stateful(replicas: int = 3, **spec: object) -> dict:
    wanted = {"replicas": replicas, "serviceName": "db", "template": template("db")}
    selector = {"selector": {"matchLabels": {"app": "db"}}}
    meta = {"name": "db"}
    body = {**wanted, **selector, **spec}
    return {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": meta, "spec": body}


def job(name: str, code: int, **spec: object) -> dict:
    pod = {"restartPolicy": "Never", "containers": [{"name": "a", "image": "i"}]}
    notes = {"annotations": {"played/exit-code": str(code)}}
    body = {"template": {"metadata": notes, "spec": pod}, **spec}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": body}


async def settled(room, kind: str, name: str, **wanted: int) -> dict:
    async def holds() -> bool:
        found = await room.get(kind, name)
        seen = found["status"].get("observedGeneration") == found["metadata"]["generation"]
        return seen and all(found["status"].get(k, 0) == v for k, v in wanted.items())

    await room.until(holds)
    return await room.get(kind, name)


async def ended(room, name: str, kind: str) -> dict:
    async def holds() -> bool:
        status = (await room.get(JOBS, name))["status"]
        return condition_of(status, kind)["status"] == "True"

    await room.until(holds)
    return (await room.get(JOBS, name))["status"]


async def test_a_stateful_set_makes_its_pods_in_order(room):
    """Names, labels and host names carry the ordinal; each waits for the one before."""
    _, version = await room.client.list(PODS)
    await room.create(stateful())
    made: list[str] = []
    ready: set[str] = set()

    async def follow() -> None:
        async for change, pod in room.client.watch(PODS, version):
            name = pod["metadata"]["name"]
            if change == "ADDED":
                assert set(made) <= ready
                made.append(name)
            held = condition_of(pod["status"], "Ready")
            if held is not None and held["status"] == "True":
                ready.add(name)

    following = asyncio.create_task(follow())
    done = await settled(room, "apps/v1/StatefulSet", "db", readyReplicas=3, updatedReplicas=3)
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    assert made == ["db-0", "db-1", "db-2"]
    assert done["status"]["currentRevision"] == done["status"]["updateRevision"]
    pod = await room.get(PODS, "db-1")
    assert pod["spec"]["hostname"] == "db-1"
    assert pod["spec"]["subdomain"] == "db"
    assert labels_of(pod) == {
        "app": "db",
        "apps.kubernetes.io/pod-index": "1",
        LABEL: done["status"]["updateRevision"],
        "statefulset.kubernetes.io/pod-name": "db-1",
    }


async def test_a_partition_keeps_the_lower_ordinals(room):
    """Only ordinals from the partition on get the new template."""
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}
    await room.create(stateful(updateStrategy=strategy))
    await settled(room, "apps/v1/StatefulSet", "db", readyReplicas=3)
    image = {"containers": [{"name": "app", "image": "img:2"}]}
    await room.patch("apps/v1/StatefulSet", "db", {"spec": {"template": {"spec": image}}})
    await settled(room, "apps/v1/StatefulSet", "db", readyReplicas=3, updatedReplicas=1)
    images = {
        p["metadata"]["name"]: p["spec"]["containers"][0]["image"] for p in await room.all(PODS)
    }
    assert images == {"db-0": "img:1", "db-1": "img:1", "db-2": "img:2"}


async def test_scaling_down_takes_the_highest_ordinals(room):
    """Of three one is left: the first."""
    await room.create(stateful())
    await settled(room, "apps/v1/StatefulSet", "db", readyReplicas=3)
    await room.patch("apps/v1/StatefulSet", "db", {"spec": {"replicas": 1}})

    async def first_only() -> bool:
        return [pod["metadata"]["name"] for pod in await room.all(PODS)] == ["db-0"]

    await room.until(first_only)


async def test_a_daemon_set_puts_one_pod_on_every_node_and_replaces_it(room):
    """Also on a node that is cordoned; an update replaces the pod."""
    await room.client.patch("v1/Node", None, "node1", {"spec": {"unschedulable": True}})
    meta = {"name": "agent"}
    spec = {"selector": {"matchLabels": {"app": "agent"}}, "template": template("agent")}
    await room.create(
        {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": meta, "spec": spec}
    )
    await settled(room, "apps/v1/DaemonSet", "agent", numberAvailable=1)
    image = {"containers": [{"name": "app", "image": "img:2"}]}
    await room.patch("apps/v1/DaemonSet", "agent", {"spec": {"template": {"spec": image}}})
    await settled(room, "apps/v1/DaemonSet", "agent", numberAvailable=1, updatedNumberScheduled=1)
    (pod,) = await room.all(PODS)
    assert pod["spec"]["containers"][0]["image"] == "img:2"
    held = await room.all("apps/v1/ControllerRevision")
    assert sorted(one["revision"] for one in held) == [1, 2]


async def test_a_job_counts_its_successes_and_lets_its_pods_go(room):
    """Two conditions end it; no pod keeps the tracking finalizer."""
    await room.create(job("good", 0, completions=2))
    status = await ended(room, "good", "Complete")
    assert status["succeeded"] == 2
    assert [c["type"] for c in status["conditions"]] == ["SuccessCriteriaMet", "Complete"]
    assert status["uncountedTerminatedPods"] == {}

    async def free() -> bool:
        pods = await room.all(PODS)
        return not any(FINALIZER in p["metadata"].get("finalizers", []) for p in pods)

    await room.until(free)
    assert "Completed: Job completed" in await room.events("Job")


async def test_a_job_fails_when_its_retries_are_used_up(room):
    """FailureTarget comes before Failed, and the event says why."""
    await room.create(job("bad", 3, backoffLimit=0))
    status = await ended(room, "bad", "Failed")
    assert status["failed"] == 1
    assert [c["type"] for c in status["conditions"]] == ["FailureTarget", "Failed"]
    text = "BackoffLimitExceeded: Job has reached the specified backoff limit"
    assert text in await room.events("Job")


async def test_a_job_past_its_deadline_ends_its_running_pod_once(room):
    """The pod that is taken away counts as one failure, not as many."""
    body = job("late", 0, activeDeadlineSeconds=1)
    body["spec"]["template"]["metadata"] = {}
    await room.create(body)
    status = await ended(room, "late", "Failed")
    assert condition_of(status, "Failed")["reason"] == "DeadlineExceeded"
    assert status.get("failed", 0) <= 1


async def test_a_finished_job_goes_after_its_time(room):
    """The time to live takes the Job and its pods."""
    await room.create(job("brief", 0, ttlSecondsAfterFinished=0))

    async def gone() -> bool:
        return not await room.all(JOBS) and not await room.all(PODS)

    await room.until(gone)


async def test_an_indexed_job_works_on_every_index_once(room):
    """Suspended it has no pods; resumed each index gets one."""
    await room.create(
        job("idle", 0, completionMode="Indexed", completions=3, parallelism=2, suspend=True)
    )

    async def suspended() -> bool:
        status = (await room.get(JOBS, "idle"))["status"]
        return condition_of(status, "Suspended")["status"] == "True"

    await room.until(suspended)
    assert await room.all(PODS) == []
    await room.patch(JOBS, "idle", {"spec": {"suspend": False}})
    status = await ended(room, "idle", "Complete")
    assert status["completedIndexes"] == "0-2"
    notes = [
        annotations_of(pod)["batch.kubernetes.io/job-completion-index"]
        for pod in await room.all(PODS)
    ]
    assert sorted(notes) == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("indexes", "text"), [([0, 1], "0,1"), ([1, 3, 4, 5, 7], "1,3-5,7"), ([], ""), ([2], "2")]
)
def test_indexes_are_written_as_a_server_writes_them(indexes, text):
    """Runs of three and more are ranges."""
    assert render_indexes(indexes) == text
    assert completed_indexes({"completedIndexes": text}) == set(indexes)


async def test_a_pod_that_fits_nowhere_says_why(room):
    """The condition and the event carry the scheduler's sentence."""
    container = {"name": "a", "image": "i", "resources": {"requests": {"cpu": "64"}}}
    meta = {"name": "big"}
    await room.create(
        {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {"containers": [container]}}
    )
    text = (
        "0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: "
        "0/1 nodes are available: 1 Preemption is not helpful for scheduling."
    )

    async def told() -> bool:
        held = condition_of((await room.get(PODS, "big"))["status"], "PodScheduled")
        return (held["status"], held["reason"], held["message"]) == ("False", "Unschedulable", text)

    await room.until(told)

    async def event() -> bool:
        return f"FailedScheduling: {text}" in await room.events("Pod")

    await room.until(event)


async def test_a_budget_allows_what_is_beyond_the_wanted_number(room, deployment):
    """At least 2 of 3 allows one eviction; none unavailable allows none."""
    await room.create(deployment())
    await room.rolled_out("web")
    meta, selector = {"name": "web"}, {"matchLabels": {"app": "web"}}
    kind = "policy/v1/PodDisruptionBudget"
    await room.create(
        {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": meta,
            "spec": {"minAvailable": 2, "selector": selector},
        }
    )
    done = await settled(room, kind, "web", disruptionsAllowed=1, currentHealthy=3)
    assert condition_of(done["status"], "DisruptionAllowed")["reason"] == "SufficientPods"
    await room.patch(kind, "web", {"spec": {"minAvailable": None, "maxUnavailable": 0}})
    done = await settled(room, kind, "web", disruptionsAllowed=0, desiredHealthy=3)
    assert condition_of(done["status"], "DisruptionAllowed")["reason"] == "InsufficientPods"
