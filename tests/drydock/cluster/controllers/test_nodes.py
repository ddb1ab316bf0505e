"""Cordons, taints that evict, and where the scheduler puts pods that mind their neighbours."""

from __future__ import annotations

import pytest

from drydock.cluster.controllers.meta import condition_of
from tests.drydock.cluster.controllers.conftest import template

POD = "v1/Pod"
CALM = "no new claims to deallocate, preemption: 0/1 nodes are available: 1"


def pod(name: str, **spec: object) -> dict:
    body = {**template("web")["spec"], **spec}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": "web"}},
        "spec": body,
    }


async def running(room, name: str) -> None:
    async def holds() -> bool:
        return (await room.get(POD, name))["status"]["phase"] == "Running"

    await room.until(holds)


async def refusal(room, name: str) -> str:
    """Wait until a pod is refused; return the scheduler's words."""

    async def holds() -> bool:
        return bool(condition_of((await room.get(POD, name))["status"], "PodScheduled")["message"])

    await room.until(holds)
    return condition_of((await room.get(POD, name))["status"], "PodScheduled")["message"]


async def taint(room, *taints: dict) -> None:
    await room.client.patch("v1/Node", None, "node1", {"spec": {"taints": list(taints)}})


async def test_a_cordon_is_a_taint_too(room):
    """It comes and goes with `spec.unschedulable`."""

    async def tainted() -> bool:
        node = await room.client.get("v1/Node", None, "node1")
        (one,) = node["spec"]["taints"]
        return (one["key"], one["effect"]) == ("node.kubernetes.io/unschedulable", "NoSchedule")

    await room.client.patch("v1/Node", None, "node1", {"spec": {"unschedulable": True}})
    await room.until(tainted)
    await room.create(pod("p"))
    assert await refusal(room, "p") == (
        "0/1 nodes are available: 1 node(s) were unschedulable. "
        + CALM
        + " Preemption is not helpful for scheduling."
    )
    await room.client.patch("v1/Node", None, "node1", {"spec": {"unschedulable": None}})
    await running(room, "p")
    assert "taints" not in (await room.client.get("v1/Node", None, "node1"))["spec"]


async def test_a_taint_evicts_whoever_does_not_bear_it(room):
    """At once, after the time that was tolerated, or never."""
    key = {"key": "broken", "operator": "Exists", "effect": "NoExecute"}
    await room.create(pod("goes"))
    await room.create(pod("waits", tolerations=[{**key, "tolerationSeconds": 1}]))
    await room.create(pod("stays", tolerations=[key]))
    for name in ("goes", "waits", "stays"):
        await running(room, name)
    await taint(room, {"key": "broken", "effect": "NoExecute"})

    async def left() -> list[str]:
        return sorted(one["metadata"]["name"] for one in await room.all(POD))

    async def first() -> bool:
        return await left() == ["stays", "waits"]

    async def second() -> bool:
        return await left() == ["stays"]

    await room.until(first)
    await room.until(second)
    assert "TaintManagerEviction: Marking for deletion Pod room/goes" in await room.events("Pod")


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        (
            {
                "affinity": {
                    "podAntiAffinity": {
                        "requiredDuringSchedulingIgnoredDuringExecution": [
                            {
                                "topologyKey": "kubernetes.io/hostname",
                                "labelSelector": {"matchLabels": {"app": "web"}},
                            }
                        ]
                    }
                }
            },
            "1 node(s) didn't match pod anti-affinity rules",
        ),
        (
            {
                "containers": [
                    {"name": "a", "image": "i", "ports": [{"containerPort": 80, "hostPort": 80}]}
                ]
            },
            "1 node(s) didn't have free ports for the requested pod ports",
        ),
        (
            {"containers": [{"name": "a", "image": "i", "resources": {"requests": {"cpu": "3"}}}]},
            "1 Insufficient cpu",
        ),
    ],
)
async def test_neighbours_keep_a_second_pod_away(room, spec, why):
    """The first has the node, the second says why it waits, and comes when the first has gone."""
    labels = {"metadata": {"labels": {"kubernetes.io/hostname": "node1"}}}
    await room.client.patch("v1/Node", None, "node1", labels)
    await room.create(pod("one", **spec))
    await running(room, "one")
    await room.create(pod("two", **spec))
    text = f"0/1 nodes are available: {why}. {CALM} No preemption victims found for incoming pod."
    assert await refusal(room, "two") == text
    await room.delete(POD, "one")
    await running(room, "two")


async def test_a_pod_that_wants_company_may_be_the_first(room):
    """Required affinity to pods like itself does not keep the first one out."""
    await room.client.patch(
        "v1/Node", None, "node1", {"metadata": {"labels": {"kubernetes.io/hostname": "node1"}}}
    )

    def near(app: str) -> dict:
        term = {
            "topologyKey": "kubernetes.io/hostname",
            "labelSelector": {"matchLabels": {"app": app}},
        }
        return {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}

    await room.create(pod("first", affinity=near("web")))
    await running(room, "first")
    await room.create(pod("lonely", affinity=near("nobody")))
    assert "didn't match pod affinity rules" in await refusal(room, "lonely")


async def test_more_than_the_node_has_is_never_a_matter_of_others(room):
    """No eviction would help."""
    big = {"name": "a", "image": "i", "resources": {"requests": {"cpu": "100"}}}
    await room.create(pod("p", containers=[big]))
    assert "1 Preemption is not helpful" in await refusal(room, "p")
