"""The parts that run pods: node, Service proxy, network policies and ingress, on one network.

`assembly` enters it unless `--kubelet=off`. Invariant: snapshots and network are there before the first
pod and go after the last one.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Coroutine

from drydock.cluster.api import Api
from drydock.cluster.controllers.informer import Cache
from drydock.cluster.ingress import Ingress
from drydock.cluster.kubelet import Kubelet, NodeRuntime
from drydock.cluster.kubelet.local_volumes import LocalVolumes
from drydock.cluster.network_policy import PolicyEnforcer
from drydock.cluster.proxy import ServiceProxy
from drydock.runtime.images import ImageStore
from drydock.runtime.network import Network
from drydock.runtime.runner import Runner
from drydock.runtime.snapshot import SnapshotStore
from drydock.runtime.state import StateDir

log = logging.getLogger(__name__)

SUBNET = "10.88.0.0/16"
Part = Callable[[], Coroutine[object, object, None]]


@contextlib.asynccontextmanager
async def node_parts(
    api: Api, given: argparse.Namespace, *, api_port: int
) -> AsyncIterator[list[tuple[str, Part]]]:
    """Yield what has to run for pods; a part that is started again starts afresh."""
    with contextlib.ExitStack() as stack:
        state = StateDir(given.state_dir)
        stack.callback(state.close)
        snapshots = SnapshotStore(state)
        stack.callback(snapshots.close)
        runner = Runner(state)
        network = Network(SUBNET, routed=True)
        await network.start()
        source = await network.own_address()
        images = ImageStore(state, snapshots, runner=runner, network=network, notice=log.info)
        runtime = NodeRuntime(state, snapshots, images, runner)

        policies = PolicyEnforcer(api.client("network-policies"), network, ingress=source)

        async def node() -> None:
            kubelet = Kubelet(api.client("kubelet"), runtime, network, admit=policies.admit)
            api.node = kubelet
            try:
                await kubelet.run()
            finally:
                api.node = None

        async def volumes() -> None:
            client = api.client("local-volumes")
            cache = Cache(client)
            try:
                made = LocalVolumes(client, cache, given.state_dir / "cluster" / "volumes")
                await cache.start()
                await made.run()
            finally:
                await cache.close()

        async def proxy() -> None:
            await ServiceProxy(api.client("kube-proxy"), network, api_port=api_port).run()

        async def ingress() -> None:
            client = api.client("ingress-controller")
            await Ingress(client, network, port=given.ingress_port, source=source).run()

        try:
            yield [
                ("network policies", policies.run),
                ("kubelet", node),
                ("local volumes", volumes),
                ("proxy", proxy),
                ("ingress", ingress),
            ]
        finally:
            await network.close()
