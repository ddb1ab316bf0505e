"""Deployments in a cluster whose pods are played."""

from __future__ import annotations

import asyncio

import pytest

from drydock.cluster.client import ApiError, InProcessClient
from drydock.cluster.controllers.deployment.revision import HISTORY, REVISION
from drydock.cluster.controllers.meta import annotations_of, condition_of, labels_of
from drydock.cluster.controllers.template import template_hash

DEPLOYMENT, SETS, PODS = "apps/v1/Deployment", "apps/v1/ReplicaSet", "v1/Pod"


def image_of(obj: dict) -> str:
    return obj["spec"]["template"]["spec"]["containers"][0]["image"]


def to_image(image: str) -> dict:
    return {"spec": {"template": {"spec": {"containers": [{"name": "app", "image": image}]}}}}


class Watched:
    """Collects the sizes of old and new ReplicaSets while a Deployment changes."""

    def __init__(self, client: InProcessClient, old: set[str]) -> None:
        self._client = client
        self._old = old
        self.pairs: list[tuple[int, int]] = []
        self.available: list[int] = []

    async def follow(self, version: str, sets: dict[str, dict]) -> None:
        known = dict(sets)
        async for _, one in self._client.watch(SETS, version):
            known[one["metadata"]["name"]] = one
            sizes = {name: each["spec"]["replicas"] for name, each in known.items()}
            old = sum(size for name, size in sizes.items() if name in self._old)
            pair = (old, sum(sizes.values()) - old)
            if not self.pairs or self.pairs[-1] != pair:
                self.pairs.append(pair)
            self.available.append(
                sum(each["status"].get("availableReplicas", 0) for each in known.values())
            )


async def watched_update(room, name: str, image: str) -> Watched:
    sets, version = await room.client.list(SETS, "room")
    watched = Watched(room.client, {one["metadata"]["name"] for one in sets})
    following = asyncio.create_task(
        watched.follow(version, {one["metadata"]["name"]: one for one in sets})
    )
    await room.patch(DEPLOYMENT, name, to_image(image))
    await room.rolled_out(name)
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    return watched


async def test_a_new_deployment_becomes_available(room, deployment):
    """It gets one ReplicaSet named after its hash, revision 1 and two true conditions."""
    await room.create(deployment())
    done = await room.rolled_out("web")
    (only,) = await room.all(SETS)
    assert only["metadata"]["name"] == f"web-{labels_of(only)['pod-template-hash']}"
    assert only["spec"]["selector"]["matchLabels"].keys() == {"app", "pod-template-hash"}
    assert annotations_of(done)[REVISION] == "1"
    assert done["metadata"]["generation"] == 1
    progressing = condition_of(done["status"], "Progressing")
    assert progressing["reason"] == "NewReplicaSetAvailable"
    text = f'ReplicaSet "{only["metadata"]["name"]}" has successfully progressed.'
    assert progressing["message"] == text
    assert [c["type"] for c in done["status"]["conditions"]] == ["Available", "Progressing"]
    assert await room.events("Deployment") == [
        f"ScalingReplicaSet: Scaled up replica set {only['metadata']['name']} from 0 to 3"
    ]


@pytest.mark.parametrize(
    ("rolling", "first", "ceiling", "floor"),
    [
        ({}, [(3, 1), (2, 1), (2, 2)], 4, 3),
        ({"maxSurge": 0, "maxUnavailable": 1}, [(3, 0), (2, 0), (2, 1)], 3, 2),
        ({"maxSurge": "100%", "maxUnavailable": 0}, [(3, 3)], 6, 3),
        ({"maxSurge": 0, "maxUnavailable": "1%"}, [(3, 0), (2, 0), (2, 1)], 3, 2),
    ],
)
async def test_a_rolling_update_takes_the_recorded_steps(
    room, deployment, rolling, first, ceiling, floor
):
    """The first pairs of old and new replicas are the recorded ones, and the bounds hold."""
    strategy = {"type": "RollingUpdate", "rollingUpdate": rolling}
    await room.create(deployment(strategy=strategy))
    await room.rolled_out("web")
    watched = await watched_update(room, "web", "img:2")
    assert watched.pairs[: len(first)] == first
    assert watched.pairs[-1] == (0, 3)
    assert max(sum(pair) for pair in watched.pairs) <= ceiling
    assert min(watched.available) >= floor


async def test_recreate_ends_the_old_pods_before_the_first_new_one(room, deployment):
    """The pairs go (0,0) (0,3)."""
    await room.create(deployment(strategy={"type": "Recreate"}))
    await room.rolled_out("web")
    watched = await watched_update(room, "web", "img:2")
    assert [pair for pair in watched.pairs if pair != (3, 0)] == [(0, 0), (0, 3)]


async def test_going_back_gives_the_old_replica_set_a_new_number(room, deployment):
    """Revision 1 becomes 3, keeps 1 in its history, and 2 stays."""
    await room.create(deployment(replicas=1))
    await room.rolled_out("web")
    await watched_update(room, "web", "img:2")
    await watched_update(room, "web", "img:1")
    notes = {image_of(one): annotations_of(one) for one in await room.all(SETS)}
    assert notes["img:1"][REVISION] == "3"
    assert notes["img:1"][HISTORY] == "1"
    assert notes["img:2"][REVISION] == "2"
    assert annotations_of(await room.get(DEPLOYMENT, "web"))[REVISION] == "3"


async def test_history_is_limited(room, deployment):
    """Old ReplicaSets beyond the limit are deleted, oldest first."""
    await room.create(deployment(replicas=1, revisionHistoryLimit=1))
    for image in ("img:2", "img:3", "img:4"):
        await room.rolled_out("web")
        await watched_update(room, "web", image)

    async def two_left() -> bool:
        return {image_of(one) for one in await room.all(SETS)} == {"img:3", "img:4"}

    await room.until(two_left)


async def test_a_stuck_update_is_called_so_after_the_deadline_and_recovers(room, deployment):
    """Progressing turns False with ProgressDeadlineExceeded; an undo clears it."""
    await room.create(deployment(replicas=2, progressDeadlineSeconds=1))
    await room.rolled_out("web")
    stuck = {"metadata": {"annotations": {"played/never-ready": "true"}}}
    await room.patch(DEPLOYMENT, "web", {"spec": {"template": stuck}})

    async def timed_out() -> bool:
        found = await room.get(DEPLOYMENT, "web")
        condition = condition_of(found["status"], "Progressing")
        return condition["reason"] == "ProgressDeadlineExceeded" and condition["status"] == "False"

    await room.until(timed_out)
    found = await room.get(DEPLOYMENT, "web")
    assert condition_of(found["status"], "Available")["status"] == "True"
    assert found["status"]["unavailableReplicas"] == 1
    well = {"metadata": {"annotations": {"played/never-ready": None}}}
    await room.patch(DEPLOYMENT, "web", {"spec": {"template": well}})
    done = await room.rolled_out("web")

    async def cleared() -> bool:
        done = await room.get(DEPLOYMENT, "web")
        return condition_of(done["status"], "Progressing")["reason"] == "NewReplicaSetAvailable"

    await room.until(cleared)
    assert condition_of(done["status"], "Progressing")["status"] == "True"


async def test_a_paused_deployment_does_not_roll(room, deployment):
    """A new template waits until resume; scaling does not."""
    await room.create(deployment(replicas=1))
    await room.rolled_out("web")
    await room.patch(DEPLOYMENT, "web", {"spec": {"paused": True}})
    change = {"spec": {**to_image("img:2")["spec"], "replicas": 2}}
    await room.patch(DEPLOYMENT, "web", change)

    async def scaled() -> bool:
        found = await room.get(DEPLOYMENT, "web")
        paused = condition_of(found["status"], "Progressing")
        return found["status"].get("readyReplicas") == 2 and paused["reason"] == "DeploymentPaused"

    await room.until(scaled)
    assert len(await room.all(SETS)) == 1
    await room.patch(DEPLOYMENT, "web", {"spec": {"paused": None}})
    await room.rolled_out("web")
    assert len(await room.all(SETS)) == 2


async def test_a_taken_name_counts_as_a_collision(room, deployment):
    """A foreign ReplicaSet of the wanted name makes the Deployment choose another."""
    wanted = deployment(replicas=1)
    made = await room.client.create(
        {
            **wanted,
            "metadata": {"name": "probe", "namespace": "room"},
            "spec": {**wanted["spec"], "replicas": 0},
        }
    )
    short = template_hash(made["spec"]["template"], None)
    await room.delete(DEPLOYMENT, "probe")
    foreign = deployment("other")["spec"]
    foreign = {k: v for k, v in foreign.items() if k in ("selector", "template")}
    meta = {"name": f"web-{short}", "namespace": "room"}
    await room.create(
        {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": meta,
            "spec": {**foreign, "replicas": 0},
        }
    )
    await room.create(wanted)
    done = await room.rolled_out("web")
    assert done["status"]["collisionCount"] == 1
    names = {one["metadata"]["name"] for one in await room.all(SETS)}
    assert f"web-{template_hash(done['spec']['template'], 1)}" in names


async def test_a_pod_that_is_deleted_is_replaced(room, deployment):
    """The ReplicaSet makes another one."""
    await room.create(deployment(replicas=1))
    await room.rolled_out("web")
    (pod,) = await room.all(PODS)
    await room.delete(PODS, pod["metadata"]["name"])

    async def replaced() -> bool:
        pods = await room.all(PODS)
        return len(pods) == 1 and pods[0]["metadata"]["uid"] != pod["metadata"]["uid"]

    await room.until(replaced)


async def test_an_orphaned_pod_is_adopted_and_a_relabelled_one_let_go(room, deployment):
    """The selector decides who belongs to a ReplicaSet."""
    await room.create(deployment(replicas=1))
    await room.rolled_out("web")
    (pod,) = await room.all(PODS)
    await room.patch(PODS, pod["metadata"]["name"], {"metadata": {"labels": {"app": "free"}}})

    async def let_go() -> bool:
        pods = {one["metadata"]["name"]: one for one in await room.all(PODS)}
        freed = pods[pod["metadata"]["name"]]
        return len(pods) == 2 and not freed["metadata"].get("ownerReferences")

    await room.until(let_go)
    await room.patch(PODS, pod["metadata"]["name"], {"metadata": {"labels": {"app": "web"}}})

    async def one_again() -> bool:
        return len(await room.all(PODS)) == 1

    await room.until(one_again)


async def test_a_refused_pod_shows_in_the_conditions(room, deployment, monkeypatch):
    """Quota or policy: the ReplicaSet says FailedCreate, the Deployment ReplicaFailure."""
    create = InProcessClient.create

    async def refusing(client: InProcessClient, obj: dict) -> dict:
        if obj["kind"] == "Pod":
            text = 'pods "web-x-" is forbidden: exceeded quota: q'
            raise ApiError(403, "Forbidden", text)
        return await create(client, obj)

    monkeypatch.setattr(InProcessClient, "create", refusing)
    await room.create(deployment(replicas=2))

    async def failed() -> bool:
        (one,) = await room.all(SETS)
        condition = condition_of(one["status"], "ReplicaFailure")
        own = condition_of((await room.get(DEPLOYMENT, "web"))["status"], "ReplicaFailure")
        return condition["reason"] == own["reason"] == "FailedCreate"

    await room.until(failed)
    wanted = 'FailedCreate: Error creating: pods "web-x-" is forbidden: exceeded quota: q'
    assert wanted in await room.events("ReplicaSet")
    monkeypatch.undo()
    done = await room.rolled_out("web")

    async def forgotten() -> bool:
        done = await room.get(DEPLOYMENT, "web")
        return condition_of(done["status"], "ReplicaFailure") is None

    await room.until(forgotten)
    assert done["status"]["availableReplicas"] == 2
