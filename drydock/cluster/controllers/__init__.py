"""The control loops of the cluster, each in its own file, run together by `Controllers`.

Called by `drydock.cluster.__main__`. Invariant: a controller talks to the API through `Client`
only, so it cannot tell this cluster from any other.
"""

from __future__ import annotations

import asyncio

from drydock.cluster.client import Client
from drydock.cluster.controllers.account_tokens import AccountTokenController
from drydock.cluster.controllers.aggregation import AggregationController
from drydock.cluster.controllers.apiservice import ApiServiceController
from drydock.cluster.controllers.autoscaler import AutoscalerController
from drydock.cluster.controllers.claims import ClaimController, VolumeController
from drydock.cluster.controllers.controller import Controller
from drydock.cluster.controllers.cronjob import CronJobController
from drydock.cluster.controllers.daemonset import DaemonSetController
from drydock.cluster.controllers.deployment import DeploymentController
from drydock.cluster.controllers.disruption import DisruptionController
from drydock.cluster.controllers.endpoints import EndpointsController
from drydock.cluster.controllers.expiry import EventExpiry
from drydock.cluster.controllers.garbage import GarbageCollector
from drydock.cluster.controllers.informer import Cache
from drydock.cluster.controllers.job import JobController
from drydock.cluster.controllers.namespace import NamespaceController, NamespaceDefaultsController
from drydock.cluster.controllers.podgc import PodGarbageCollector
from drydock.cluster.controllers.replicaset import ReplicaSetController
from drydock.cluster.controllers.scheduler import Scheduler
from drydock.cluster.controllers.statefulset import StatefulSetController
from drydock.cluster.controllers.taints import CordonController, TaintEvictionController

__all__ = ["Controllers"]

PLAIN: tuple[type[Controller], ...] = (
    DeploymentController,
    ReplicaSetController,
    StatefulSetController,
    DaemonSetController,
    JobController,
    CronJobController,
    DisruptionController,
    EndpointsController,
    Scheduler,
    ApiServiceController,
    AggregationController,
    AutoscalerController,
    ClaimController,
    CordonController,
    TaintEvictionController,
    VolumeController,
    NamespaceController,
    PodGarbageCollector,
    GarbageCollector,
)


class Controllers:
    """All controllers of one cluster."""

    def __init__(self, client: Client, *, root_ca: str) -> None:
        self._client = client
        self._root_ca = root_ca

    async def run(self) -> None:
        """Work until cancelled; a further run starts afresh."""
        client, cache = self._client, Cache(self._client)
        everyone: list[Controller] = [
            *(make(client, cache) for make in PLAIN),
            NamespaceDefaultsController(client, cache, root_ca=self._root_ca),
            AccountTokenController(client, cache, root_ca=self._root_ca),
        ]
        try:
            await cache.start()
            async with asyncio.TaskGroup() as group:
                group.create_task(EventExpiry(client).run(), name=EventExpiry.name)
                for controller in everyone:
                    group.create_task(controller.run(), name=controller.name)
        finally:
            await cache.close()
