"""ReplicaSets: as many active pods as asked for.

Invariant: pods are created in bursts that double while they succeed, so that one refused template
costs one request, not hundreds; the least useful pods are deleted first.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar

from drydock.cluster.client import ApiError, Client
from drydock.cluster.controllers.controller import Controller, is_terminating_namespace
from drydock.cluster.controllers.informer import Cache
from drydock.cluster.controllers.meta import (
    Key,
    compact,
    condition_of,
    is_deleting,
    key_of,
    labels_of,
    now,
    owner_reference,
    seconds_until,
    stamp,
    without_condition,
)
from drydock.cluster.controllers.ownership import claim
from drydock.cluster.controllers.pods import (
    available_at,
    deletion_rank,
    is_active,
    is_available,
    is_ready,
    is_terminating,
    pod_from,
)
from drydock.cluster.errors import Obj

BURST = 500


class ReplicaSetController(Controller):
    """Creates and deletes the pods of every ReplicaSet."""

    name: ClassVar[str] = "replicaset-controller"
    kind: ClassVar[str] = "apps/v1/ReplicaSet"
    # Pods of one step become ready one after the other: counted one by one, each would make a
    # rollout step of its own. A real controller manager is slowed to 20 requests a second.
    pace: ClassVar[float] = 0.1

    def __init__(self, client: Client, cache: Cache) -> None:
        super().__init__(client, cache)
        self.pods = self.secondary("v1/Pod")
        self.pods.on_change(self._orphan_changed)

    async def sync(self, key: Key) -> None:
        """Create or delete what is missing or too much, then write the status."""
        replica_set = self.primary.get(key)
        if replica_set is None:
            return
        pods = await claim(self, replica_set, self.pods)
        problem: tuple[str, ApiError] | None = None
        if not is_deleting(replica_set):
            problem = await self._manage(replica_set, [pod for pod in pods if is_active(pod)])
        pods = [pod for pod in self.pods.owned_by(replica_set["metadata"]["uid"]) if pod]
        await self._write_status(replica_set, pods, problem)
        if problem is not None:
            raise problem[1]

    async def _manage(self, replica_set: Obj, pods: Sequence[Obj]) -> tuple[str, ApiError] | None:
        missing = replica_set["spec"].get("replicas", 1) - len(pods)
        if missing > 0:
            error = await in_bursts(min(missing, BURST), lambda: self._create(replica_set))
            return None if error is None else ("FailedCreate", error)
        if missing < 0:
            nodes = Counter(pod["spec"].get("nodeName", "") for pod in pods)
            ranked = sorted(
                pods, key=lambda pod: deletion_rank(pod, nodes[pod["spec"].get("nodeName", "")])
            )
            try:
                for pod in ranked[: min(-missing, BURST)]:
                    await self.delete(pod)
                    text = f"Deleted pod: {pod['metadata']['name']}"
                    await self.recorder.normal(replica_set, "SuccessfulDelete", text)
            except ApiError as error:
                return "FailedDelete", error
        return None

    async def _create(self, replica_set: Obj) -> None:
        owner = owner_reference(replica_set, "apps/v1", "ReplicaSet")
        pod = pod_from(
            replica_set["spec"]["template"], namespace=key_of(replica_set)[0], owner=owner
        )
        try:
            made = await self.create(pod)
        except ApiError as error:
            if not is_terminating_namespace(error):
                text = f"Error creating: {error}"
                await self.recorder.warning(replica_set, "FailedCreate", text)
            raise
        text = f"Created pod: {made['metadata']['name']}"
        await self.recorder.normal(replica_set, "SuccessfulCreate", text)

    async def _write_status(
        self, replica_set: Obj, pods: Sequence[Obj], problem: tuple[str, ApiError] | None
    ) -> None:
        held, spec = replica_set.get("status") or {}, replica_set["spec"]
        wait, at = spec.get("minReadySeconds", 0), now()
        active = [pod for pod in pods if is_active(pod)]
        labels = (spec["template"].get("metadata") or {}).get("labels") or {}
        labelled = [pod for pod in active if labels.items() <= labels_of(pod).items()]
        available = [pod for pod in active if is_available(pod, wait, at)]
        conditions = list(held.get("conditions") or [])
        known = condition_of(held, "ReplicaFailure")
        if problem is None:
            conditions = without_condition(conditions, "ReplicaFailure")
        elif known is None:
            conditions.append(
                {
                    "type": "ReplicaFailure",
                    "status": "True",
                    "lastTransitionTime": stamp(),
                    "reason": problem[0],
                    "message": str(problem[1]),
                }
            )
        status = {
            "replicas": len(active),
            **compact(
                {
                    "fullyLabeledReplicas": len(labelled),
                    "readyReplicas": sum(is_ready(pod) for pod in active),
                    "availableReplicas": len(available),
                    "observedGeneration": replica_set["metadata"].get("generation", 1),
                    "conditions": conditions,
                }
            ),
            "terminatingReplicas": sum(is_terminating(pod) for pod in pods),
        }
        await self.update_status(replica_set, status)
        waits = [
            seconds_until(moment, at=at)
            for pod in active
            if (moment := available_at(pod, wait)) is not None and moment > at
        ]
        if waits:
            self.queue.add_after(key_of(replica_set), min(waits) + 0.05)

    def _orphan_changed(self, old: Obj | None, new: Obj | None) -> None:  # noqa: ARG002
        """Wake the ReplicaSets that could adopt a pod without an owner."""
        if new is None or new["metadata"].get("ownerReferences"):
            return
        for one in self.primary.in_namespace(key_of(new)[0]):
            self.queue.add(key_of(one))


async def in_bursts(count: int, create: Callable[[], Awaitable[None]]) -> ApiError | None:
    """Run `create` count times, 1, 2, 4 ... at once; stop after a burst with an error, return it."""
    size = 1
    while count > 0:
        size = min(size, count)
        results = await asyncio.gather(*(create() for _ in range(size)), return_exceptions=True)
        errors = [result for result in results if isinstance(result, BaseException)]
        for error in errors:
            if not isinstance(error, ApiError):
                raise error
        if errors:
            return errors[0] if isinstance(errors[0], ApiError) else None
        count -= size
        size *= 2
    return None
