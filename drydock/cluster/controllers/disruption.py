"""PodDisruptionBudgets: how many pods may be evicted now.

The API's eviction reads the status. Invariant: `disruptionsAllowed` is never more than the healthy pods
beyond the desired number, less those whose eviction was granted and is still under way.
"""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from drydock.cluster.client import Client
from drydock.cluster.controllers.controller import Controller
from drydock.cluster.controllers.deployment.rollout import scaled
from drydock.cluster.controllers.informer import Cache
from drydock.cluster.controllers.meta import (
    Key,
    condition_of,
    controller_of,
    is_deleting,
    key_of,
    labels_of,
    moment_of,
    now,
    selects,
    stamp,
)
from drydock.cluster.controllers.pods import has_ended, is_ready
from drydock.cluster.errors import Obj

GRANT_SECONDS = 120.0
SCALED = ("apps/v1/ReplicaSet", "apps/v1/StatefulSet", "apps/v1/Deployment")


class DisruptionController(Controller):
    """Keeps the status of every budget."""

    name: ClassVar[str] = "controllermanager"
    kind: ClassVar[str] = "policy/v1/PodDisruptionBudget"

    def __init__(self, client: Client, cache: Cache) -> None:
        super().__init__(client, cache)
        self.pods = cache["v1/Pod"]
        self.pods.on_change(self._pod_changed)
        self.scaled = {kind: cache[kind] for kind in SCALED}

    async def sync(self, key: Key) -> None:
        """Count the pods of one budget."""
        budget = self.primary.get(key)
        if budget is None or is_deleting(budget):
            return
        selector = budget["spec"].get("selector")
        pods = [
            pod
            for pod in self.pods.in_namespace(key[0])
            if selects(selector, labels_of(pod)) and not has_ended(pod)
        ]
        granted = self._granted(budget, pods)
        expected, desired = self._wanted(budget, pods)
        healthy = sum(
            is_ready(pod) and not is_deleting(pod) and pod["metadata"]["name"] not in granted
            for pod in pods
        )
        allowed = max(0, healthy - desired) if expected > 0 else 0
        status: Obj = {
            "conditions": self._conditions(budget, allowed),
            "currentHealthy": healthy,
            "desiredHealthy": desired,
            "disruptionsAllowed": allowed,
            "expectedPods": expected,
            "observedGeneration": budget["metadata"].get("generation", 1),
        }
        if granted:
            status["disruptedPods"] = granted
            self.queue.add_after(key, GRANT_SECONDS)
        await self.update_status(budget, status)

    def _wanted(self, budget: Obj, pods: list[Obj]) -> tuple[int, int]:
        """Return how many pods there should be, and how many of them healthy."""
        spec = budget["spec"]
        if "maxUnavailable" in spec:
            expected = self._scale(pods)
            return expected, max(0, expected - scaled(spec["maxUnavailable"], expected, up=True))
        least = spec.get("minAvailable", 1)
        if isinstance(least, int):
            return len(pods), least
        expected = self._scale(pods)
        return expected, scaled(least, expected, up=True)

    def _scale(self, pods: list[Obj]) -> int:
        """Return the replicas that the owners of the pods ask for; a pod without one counts itself."""
        wanted: dict[str, int] = {}
        for pod in pods:
            owner = self._top(pod)
            wanted[owner["metadata"]["uid"]] = (
                1 if owner is pod else int(owner["spec"].get("replicas", 1))
            )
        return sum(wanted.values())

    def _top(self, obj: Obj) -> Obj:
        reference = controller_of(obj)
        if reference is None:
            return obj
        informer = self.scaled.get(f"{reference['apiVersion']}/{reference['kind']}")
        owner = informer.get((key_of(obj)[0], reference["name"])) if informer else None
        return obj if owner is None else self._top(owner)

    def _granted(self, budget: Obj, pods: list[Obj]) -> dict[str, str]:
        """Return the pods whose eviction was granted and has not shown yet."""
        held = (budget.get("status") or {}).get("disruptedPods") or {}
        there = {pod["metadata"]["name"] for pod in pods if not is_deleting(pod)}
        limit = timedelta(seconds=GRANT_SECONDS)
        return {
            name: moment
            for name, moment in held.items()
            if name in there and moment_of(moment) + limit > now()
        }

    @staticmethod
    def _conditions(budget: Obj, allowed: int) -> list[Obj]:
        held = condition_of(budget.get("status") or {}, "DisruptionAllowed")
        status = "True" if allowed else "False"
        same = held is not None and held["status"] == status
        return [
            {
                "type": "DisruptionAllowed",
                "status": status,
                "reason": "SufficientPods" if allowed else "InsufficientPods",
                "message": "",
                "lastTransitionTime": held["lastTransitionTime"] if held and same else stamp(),
                "observedGeneration": budget["metadata"].get("generation", 1),
            }
        ]

    def _pod_changed(self, old: Obj | None, new: Obj | None) -> None:
        for pod in (old, new):
            if pod is None:
                continue
            for budget in self.primary.in_namespace(key_of(pod)[0]):
                if selects(budget["spec"].get("selector"), labels_of(pod)):
                    self.queue.add(key_of(budget))
