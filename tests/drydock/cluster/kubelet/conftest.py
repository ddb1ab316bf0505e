"""A whole cluster in the test's process: real API, controllers, runtime, network, proxy and ingress.

Pods run a busybox that the test pushes to a registry of its own.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from drydock.cluster.api import Api
from drydock.cluster.controllers import Controllers
from drydock.cluster.errors import Obj
from drydock.cluster.ingress import Ingress
from drydock.cluster.kubelet import Kubelet, NodeRuntime
from drydock.cluster.network_policy import PolicyEnforcer
from drydock.cluster.node import LogOptions
from drydock.cluster.proxy import ServiceProxy
from drydock.cluster.store import Store
from drydock.runtime.image import ImageConfig
from drydock.runtime.images import ImageStore
from drydock.runtime.network import Network
from drydock.runtime.registry_config import RegistryConfig
from drydock.runtime.runner import Runner
from drydock.runtime.snapshot import SnapshotStore
from drydock.runtime.state import StateDir
from tests.drydock.cluster.controllers.conftest import NAMESPACE, Room
from tests.drydock.runtime.conftest import busybox, registry

__all__ = ["busybox", "registry"]


def free_port() -> int:
    """Return a port of the loopback that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Machine(Room):
    """A running cluster and the room that tests work in."""

    api: Api
    runtime: NodeRuntime
    network: Network
    image: str
    ingress_port: int
    api_port: int
    source: str
    kubelet: Kubelet = field(init=False)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    @property
    def client(self):
        """Return the test's own client."""
        return self.api.client("test")

    def start(self) -> None:
        """Run every part."""
        policies = PolicyEnforcer(self.api.client("policies"), self.network, ingress=self.source)
        self.kubelet = Kubelet(
            self.api.client("kubelet"), self.runtime, self.network, admit=policies.admit
        )
        self.api.node = self.kubelet
        proxy = ServiceProxy(self.api.client("proxy"), self.network, api_port=self.api_port)
        ingress = Ingress(
            self.api.client("ingress"), self.network, port=self.ingress_port, source=self.source
        )
        manager = Controllers(self.api.client("kube-controller-manager"), root_ca="the root")
        parts = (manager.run(), policies.run(), self.kubelet.run(), proxy.run(), ingress.run())
        self.tasks = [asyncio.create_task(part) for part in parts]

    async def stop(self) -> None:
        """End every part; none may have ended by itself."""
        ended = [task for task in self.tasks if task.done()]
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        for task in ended:
            task.result()
        assert not ended

    def pod(self, *containers: Obj, name: str = "p", **spec: object) -> Obj:
        """Make a pod; a container without an image gets busybox."""
        body = {"terminationGracePeriodSeconds": 2, **spec, "containers": list(containers)}
        for one in [*body["containers"], *body.get("initContainers", [])]:
            one.setdefault("image", self.image)
            one.setdefault("name", "a")
        meta = {"name": name, "labels": {"app": name}}
        return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": body}

    async def phase(self, wanted: str, name: str = "p") -> Obj:
        """Wait for a phase; return the status."""

        async def holds() -> bool:
            return (await self.get("v1/Pod", name))["status"].get("phase") == wanted

        await self.until(holds)
        return (await self.get("v1/Pod", name))["status"]

    async def state(self, has: Callable[[Obj], bool], name: str = "p", at: int = 0) -> Obj:
        """Wait until a container's status is as wanted; return it."""

        async def holds() -> bool:
            status = (await self.get("v1/Pod", name))["status"]
            return has(status["containerStatuses"][at])

        await self.until(holds)
        return (await self.get("v1/Pod", name))["status"]["containerStatuses"][at]

    async def log(self, name: str = "p", container: str = "a", **options: object) -> str:
        """Return a container's log."""
        lines = self.kubelet.logs(NAMESPACE, name, container, LogOptions(**options))
        return b"".join([line async for line in lines]).decode()

    async def sh(self, command: str, name: str = "p", container: str = "a") -> tuple[int, str]:
        """Run a shell command in a container; return exit code and output."""
        words: Sequence[str] = ["sh", "-c", command]
        output: list[bytes] = []
        code = await self.kubelet.exec(
            NAMESPACE,
            name,
            container,
            list(words),
            stdin=None,
            stdout=output.append,
            stderr=output.append,
            tty=False,
        )
        return code, b"".join(output).decode()

    async def gone(self, name: str = "p") -> None:
        """Wait until the API has forgotten a pod."""

        async def holds() -> bool:
            return name not in {one["metadata"]["name"] for one in await self.all("v1/Pod")}

        await self.until(holds)


@pytest.fixture
async def machine(
    state: StateDir, store: SnapshotStore, busybox, registry: str, tmp_path: Path
) -> AsyncIterator[Machine]:
    """Run a cluster whose pods find busybox in a registry."""
    runner = Runner(state)
    images = ImageStore(state, store, runner=runner, config=RegistryConfig())
    made = await images.assemble(ImageConfig(env=("PATH=/bin",), cmd=("sh",)), busybox, mtime=0)
    image = await images.push(made, f"{registry}/busybox:1")
    objects = Store(tmp_path / "store.db")
    async with Network("10.88.0.0/16", uplink=False, routed=True) as network:
        runtime = NodeRuntime(state, store, images, runner)
        api = Api(objects)
        source = await network.own_address()
        machine = Machine(api, runtime, network, image, free_port(), free_port(), source)
        machine.start()
        meta = {"name": NAMESPACE}
        await machine.client.create({"apiVersion": "v1", "kind": "Namespace", "metadata": meta})

        async def has_account() -> bool:
            return bool(await machine.get("v1/ServiceAccount", "default"))

        try:
            await machine.until(has_account)
            yield machine
        finally:
            await machine.stop()
            objects.close()
