"""A cluster without a server: the real API in memory, all controllers, and a node that plays its pods.

The node reports what annotations ask for: `played/exit-code`, `played/never-ready`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

import pytest

from drydock.cluster.api import Api
from drydock.cluster.client import ApiError, InProcessClient
from drydock.cluster.controllers import Controllers
from drydock.cluster.controllers.meta import annotations_of, is_deleting, key_of, stamp, uid_of
from drydock.cluster.errors import Obj
from drydock.cluster.store import Store

NAMESPACE = "room"
PATIENCE = 30.0


class PlayedNode:
    """Brings every pod of its node forward, a step at a time."""

    def __init__(self, client: InProcessClient, name: str = "node1") -> None:
        self._client = client
        self._name = name
        self._sent: dict[str, tuple[str, bool]] = {}
        self._numbers: dict[str, int] = {}

    async def run(self) -> None:
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": self._name}}
        await self._client.create(node)
        size = {"cpu": "4", "memory": "8Gi", "pods": "110"}
        status = {"status": {"capacity": size, "allocatable": size}}
        await self._client.patch("v1/Node", None, self._name, status, subresource="status")
        while True:
            pods, _ = await self._client.list("v1/Pod")
            for pod in pods:
                if pod["spec"].get("nodeName") == self._name:
                    with suppress(ApiError):
                        await self._play(pod)
            await asyncio.sleep(0.01)

    async def _play(self, pod: Obj) -> None:
        namespace, name = key_of(pod)
        uid = uid_of(pod)
        if is_deleting(pod):
            await self._client.delete("v1/Pod", namespace, name, grace_seconds=0, uid=uid)
            return
        notes = annotations_of(pod)
        phase, ready = "Running", "played/never-ready" not in notes
        if uid not in self._sent:
            ready = False
        elif "played/exit-code" in notes:
            phase = "Succeeded" if notes["played/exit-code"] == "0" else "Failed"
            ready = False
        if self._sent.get(uid) == (phase, ready):
            return
        number = self._numbers.setdefault(uid, len(self._numbers) + 2)
        held = [c for c in pod["status"].get("conditions", []) if c["type"] != "Ready"]
        now = {"type": "Ready", "status": str(ready), "lastTransitionTime": stamp()}
        address = f"10.88.0.{number}"
        change = {
            "phase": phase,
            "podIP": address,
            "podIPs": [{"ip": address}],
            "conditions": [*held, now],
        }
        await self._client.patch(
            "v1/Pod", namespace, name, {"status": change}, subresource="status"
        )
        self._sent[uid] = (phase, ready)


class Room:
    """One namespace of the cluster, with what tests ask again and again."""

    def __init__(self, client: InProcessClient) -> None:
        self.client = client

    async def create(self, obj: Obj) -> Obj:
        obj["metadata"].setdefault("namespace", NAMESPACE)
        return await self.client.create(obj)

    async def get(self, kind: str, name: str) -> Obj:
        return await self.client.get(kind, NAMESPACE, name)

    async def all(self, kind: str) -> list[Obj]:
        return (await self.client.list(kind, NAMESPACE))[0]

    async def patch(self, kind: str, name: str, change: Obj, **more: str) -> Obj:
        return await self.client.patch(kind, NAMESPACE, name, change, **more)

    async def delete(self, kind: str, name: str) -> None:
        await self.client.delete(kind, NAMESPACE, name)

    async def until(self, holds: Callable[[], Awaitable[bool]]) -> None:
        async with asyncio.timeout(PATIENCE):
            while True:
                with suppress(ApiError, KeyError, TypeError, ValueError):
                    if await holds():
                        return
                await asyncio.sleep(0.01)

    async def rolled_out(self, name: str) -> Obj:
        async def holds() -> bool:
            found = await self.get("apps/v1/Deployment", name)
            status, wanted = found["status"], found["spec"]["replicas"]
            counters = ("updatedReplicas", "replicas", "availableReplicas")
            return status.get("observedGeneration") == found["metadata"]["generation"] and all(
                status.get(counter, 0) == wanted for counter in counters
            )

        await self.until(holds)
        return await self.get("apps/v1/Deployment", name)

    async def events(self, kind: str) -> list[str]:
        found = [e for e in await self.all("v1/Event") if e["involvedObject"]["kind"] == kind]
        return [f"{event['reason']}: {event['message']}" for event in found]


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    store = Store()
    yield Api(store)
    store.close()


@pytest.fixture
async def room(api: Api) -> AsyncIterator[Room]:
    """Make a namespace in a cluster whose controllers and node run."""
    manager = api.client("kube-controller-manager")
    tasks = [
        asyncio.create_task(Controllers(manager, root_ca="the root").run()),
        asyncio.create_task(PlayedNode(api.client("kubelet")).run()),
    ]
    made = Room(api.client("test"))
    name = {"name": NAMESPACE}
    await made.client.create({"apiVersion": "v1", "kind": "Namespace", "metadata": name})

    async def has_account() -> bool:
        return bool(await made.get("v1/ServiceAccount", "default"))

    await made.until(has_account)
    yield made
    for task in tasks:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    broken = [r for r in results if not isinstance(r, asyncio.CancelledError)]
    assert not broken, broken


def template(app: str, image: str = "img:1", **annotations: str) -> Obj:
    """Make a pod template of one container."""
    notes = {name.replace("_", "/").replace("--", "-"): text for name, text in annotations.items()}
    meta = {"labels": {"app": app}, **({"annotations": notes} if notes else {})}
    return {"metadata": meta, "spec": {"containers": [{"name": "app", "image": image}]}}


@pytest.fixture
def deployment() -> Callable[..., Obj]:
    """Make Deployments."""

    def make(name: str = "web", replicas: int = 3, image: str = "img:1", **spec: object) -> Obj:
        return {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name},
            "spec": {
                "replicas": replicas,
                "selector": {"matchLabels": {"app": name}},
                "template": template(name, image),
                **spec,
            },
        }

    return make
