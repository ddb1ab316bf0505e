"""The part that follows the API: what it outlives, and whose an address is."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from drydock.cluster.api import Api
from drydock.cluster.errors import Obj
from drydock.cluster.identity import new_uid
from drydock.cluster.network_policy import PolicyEnforcer
from drydock.cluster.store import Key, Store
from drydock.runtime.errors import RuntimeFault

POLICIES, PODS = "networkpolicies.networking.k8s.io", "pods"
WEB, FRIEND = "10.88.0.5", "10.88.0.6"


@dataclass
class Tables:
    """Stands for the network: keeps every table it is given, and fails when told to."""

    gateway: str = "10.88.0.1"
    fault: Exception | None = None
    given: list[str] = field(default_factory=list)

    async def nft(self, text: str) -> None:
        if self.fault is not None:
            fault, self.fault = self.fault, None
            raise fault
        self.given.append(text)


@dataclass
class Room:
    """An API, and an enforcer that follows it."""

    api: Api
    tables: Tables
    enforcer: PolicyEnforcer
    task: asyncio.Task[None]

    def put(self, resource: str, kind: str, name: str, **more: object) -> Obj:
        """Store an object as an earlier version of the API might have, without any check."""
        meta = {"name": name, "namespace": "shop", "uid": new_uid(), "labels": {"app": name}}
        version = "v1" if kind == "Pod" else "networking.k8s.io/v1"
        obj = {"apiVersion": version, "kind": kind, "metadata": meta, **more}
        return self.api.core.store.create(Key(resource, "shop", name), obj)

    def policy(self, name: str, app: str, **spec: object) -> Obj:
        body = {"podSelector": {"matchLabels": {"app": app}}, "policyTypes": ["Ingress"], **spec}
        return self.put(POLICIES, "NetworkPolicy", name, spec=body)

    def pod(self, name: str, address: str = "", phase: str = "Running") -> Obj:
        status = {"phase": phase, **({"podIP": address} if address else {})}
        return self.put(PODS, "Pod", name, spec={"containers": [{"name": "a"}]}, status=status)

    async def table(self, *parts: str) -> str:
        """Wait for a table with these parts."""
        async with asyncio.timeout(5):
            while not (self.tables.given and all(one in self.tables.given[-1] for one in parts)):
                assert not self.task.done(), self.task.exception()
                await asyncio.sleep(0.01)
        return self.tables.given[-1]


@pytest.fixture
async def room() -> AsyncIterator[Room]:
    store = Store()
    api, tables = Api(store), Tables()
    enforcer = PolicyEnforcer(api.client("policies"), tables)
    room = Room(api, tables, enforcer, asyncio.create_task(enforcer.run()))
    yield room
    room.task.cancel()
    await asyncio.gather(room.task, return_exceptions=True)
    store.close()


async def test_a_policy_that_cannot_be_read_isolates_its_pods(
    room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    """It is told by name, once, and all others hold as written."""
    room.pod("web", WEB)
    room.pod("friend", FRIEND)
    broken = {"from": [{"ipBlock": {"cidr": "nonsense"}}, {"podSelector": {}}]}
    with caplog.at_level(logging.ERROR):
        room.policy("broken", "web", ingress=[broken])
        room.policy("sound", "friend", ingress=[{"from": [{"podSelector": {}}]}])
        text = await room.table(f"{WEB} : jump", f"{FRIEND} : jump")
        room.pod("other", "10.88.0.7")
        text = await room.table("10.88.0.7")
    chain = text.split(f"{WEB} : jump ")[1].split()[0].rstrip(",")
    assert text.split(f"chain {chain} {{")[1].split("}")[0].split() == ["drop"]
    assert "ip saddr { 10.88.0.5, 10.88.0.6, 10.88.0.7 } return" in text
    (told,) = [one.message for one in caplog.records]
    assert told.startswith("network policy shop/broken isolates its pods, as it cannot be read")


async def test_a_selector_that_cannot_be_read_means_all_pods(room: Room) -> None:
    """Of its namespace, in both directions: whom it was to guard nobody can tell."""
    room.pod("web", WEB)
    room.policy("broken", "", podSelector={"matchExpressions": [{"operator": "In"}]})
    await room.table(f"ip saddr vmap {{ {WEB} : jump", f"ip daddr vmap {{ {WEB} : jump")


@pytest.mark.parametrize("fault", [RuntimeFault("nft is away"), TypeError("a fault of ours")])
async def test_the_part_outlives_what_it_cannot_apply(room: Room, fault: Exception) -> None:
    """It tries again, whatever went wrong."""
    await room.table("table ip policies")
    room.tables.fault = fault
    room.pod("web", WEB)
    room.policy("deny", "web")
    await room.table(f"{WEB} : jump")


async def test_an_address_is_its_last_owners(room: Room) -> None:
    """A pod that went before it was admitted, or whose end nobody told yet, lends it no rules."""
    room.policy("deny", "web")
    room.pod("web", FRIEND)
    ghost = {**room.pod("x"), "metadata": {"name": "web", "namespace": "shop", "uid": "ghost"}}
    ghost["metadata"]["labels"] = {"app": "web"}
    await room.enforcer.admit(ghost, WEB)
    assert f"{WEB} : jump" in room.tables.given[-1]
    await room.enforcer.admit(room.pod("friend"), WEB)
    await room.enforcer.admit(room.pod("other"), FRIEND)
    assert "jump" not in room.tables.given[-1]
    held = room.api.core.store
    for name, address in (("friend", WEB), ("other", FRIEND)):
        key = Key(PODS, "shop", name)
        held.replace(key, {**held.get(key), "status": {"phase": "Running", "podIP": address}})
    held.remove(Key(PODS, "shop", "web"))
    room.policy("mark", "friend")
    assert f"{FRIEND} : jump" not in await room.table(f"{WEB} : jump")
