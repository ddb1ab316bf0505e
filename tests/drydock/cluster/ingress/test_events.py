"""What the controller writes about Ingresses: their address, and what of them it does not serve."""

from __future__ import annotations

import asyncio

import pytest

from tests.drydock.cluster.ingress.conftest import PATIENCE, World
from tests.drydock.cluster.ingress.objects import ingress, rule

pytestmark = pytest.mark.usefixtures("pods")
KIND = "networking.k8s.io/v1/Ingress"


async def warnings(world: World, count: int) -> list[dict]:
    """Wait for that many events and list them."""
    async with asyncio.timeout(PATIENCE):
        while True:
            events, _ = await world.client.list("v1/Event", "default")
            if len(events) >= count:
                return events
            await asyncio.sleep(0.01)


async def test_the_younger_of_two_that_claim_one_path_gets_a_warning_once(world: World):
    """The older goes on serving; when it goes, the younger takes the path over."""
    await world.client.create(ingress("old", rule("", ("/x", "Prefix", "one"))))
    await world.until("/x", "one")
    await asyncio.sleep(1.1)  # creation times are whole seconds
    await world.client.create(ingress("a-young", rule("", ("/x", "Prefix", "two"))))
    (event,) = await warnings(world, 1)
    assert (event["type"], event["reason"]) == ("Warning", "PathTaken")
    assert event["involvedObject"]["name"] == "a-young"
    assert "path /x belong to the older Ingress default/old" in event["message"]
    assert (await world.get("/x"))[1]["service"] == "one"
    await world.client.create(ingress("third", rule("", ("/y", "Prefix", "web"))))
    await world.until("/y", "web")
    assert len(await warnings(world, 1)) == 1
    await world.client.delete(KIND, "default", "old")
    await world.until("/x", "two")


async def test_an_annotation_that_changes_takes_effect(world: World):
    """Also when the rules stay the same."""
    await world.client.create(ingress("web", rule("", ("/a", "Prefix", "web"))))
    await world.until("/a/b", "web", sent="/a/b")
    patch = {"metadata": {"annotations": {"nginx.ingress.kubernetes.io/rewrite-target": "/c"}}}
    await world.client.patch(KIND, "default", "web", patch)
    await world.until("/a/b", "web", sent="/c")


async def test_every_ingress_is_told_the_address(world: World):
    """In its status, as people and tools look for it there."""
    await world.client.create(ingress("web", rule("", ("/", "Prefix", "web"))))
    async with asyncio.timeout(PATIENCE):
        while True:
            found = await world.client.get(KIND, "default", "web")
            balancer = (found.get("status") or {}).get("loadBalancer") or {}
            if balancer.get("ingress"):
                break
            await asyncio.sleep(0.01)
    assert balancer["ingress"][0]["ip"] == "127.0.0.1"
