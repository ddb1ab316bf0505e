"""Where experiments are made: the services, what of each serves users, and whether it is whole."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from delivery.bluegreen.assembly import machine_for
from delivery.bluegreen.observation import PLAIN, SLICE_OF, is_ready
from delivery.bluegreen.states import State, state_of
from delivery.cluster import ApiError, Cluster, Obj, passing
from delivery.errors import Refused
from delivery.follow import LOOK_SECONDS, get, look, selector_of
from delivery.plan import Plan
from delivery.revisions import replica_sets
from delivery.rollout import newest, owned

NOTE = "shipyard.dev/chaos"
"""The annotation on what an experiment has changed and has not changed back yet; its value is the namespace."""
MANAGER = "shipyard-chaos"


class NotMade(Exception):  # noqa: N818  a verdict, not a defect
    """An experiment that cannot be made here; the message says why."""


@dataclass(frozen=True)
class Target:
    """A service, and the Deployment that serves its users."""

    service: str
    deployment: str
    path: str


@dataclass(frozen=True)
class Lab:
    """One run of chaos. `alive` raises when it has to stop; `chance` chooses."""

    cluster: Cluster
    plan: Plan
    targets: tuple[Target, ...]
    alive: Callable[[], None]
    chance: random.Random = field(default_factory=random.Random)

    @property
    def namespace(self) -> str:
        """The namespace that everything is in."""
        return self.plan.namespace

    def pods(self, target: Target) -> list[Obj]:
        """List the ready pods that serve a target's users."""
        found = get(self.cluster, self.namespace, target.deployment)
        return self._ready(found) if found else []

    def missing(self, target: Target) -> str:
        """Tell what a target lacks to be whole; empty when it is."""
        name = target.deployment
        try:
            progress = look(self.cluster, self.namespace, name)
            found = get(self.cluster, self.namespace, name)
            if found is None:
                return f"{name}: the Deployment is gone"
            ready = {pod["metadata"]["name"] for pod in self._ready(found)}
            routed = self._routed(target.service)
        except ApiError as error:
            if passing(error):
                return str(error)
            raise
        if not progress.done:
            trouble = f": {progress.trouble.reason}" if progress.trouble else ""
            return f"{progress.message}{trouble}"
        wanted = int(found["spec"].get("replicas", 1))
        if len(ready) < wanted:
            # The Deployment's own status learns of a pod that is told to end a moment later.
            return f"{name}: {len(ready)} of {wanted} pods are ready"
        lacking = ready - routed
        return f"{target.service}: {len(lacking)} pods get no requests" if lacking else ""

    def whole(self, targets: tuple[Target, ...], seconds: float) -> str:
        """Wait until targets are whole; return what is missing after `seconds`, empty when nothing is."""
        deadline = time.monotonic() + seconds
        while True:
            self.alive()
            missing = [told for target in targets if (told := self.missing(target))]
            if not missing or time.monotonic() > deadline:
                return "; ".join(missing)
            time.sleep(LOOK_SECONDS)

    def _ready(self, found: Obj) -> list[Obj]:
        current = newest(found, replica_sets(self.cluster, self.namespace, found))
        uid = current["metadata"]["uid"] if current else None
        path = f"/api/v1/namespaces/{self.namespace}/pods"
        pods = self.cluster.items(path, selector_of(found))
        return [pod for pod in pods if owned(pod, uid) and is_ready(pod)]

    def _routed(self, service: str) -> set[str]:
        path = f"/apis/discovery.k8s.io/v1/namespaces/{self.namespace}/endpointslices"
        slices = self.cluster.items(path, f"{SLICE_OF}={service}")
        endpoints = [each for one in slices for each in one.get("endpoints") or []]
        return {
            (each.get("targetRef") or {}).get("name", "")
            for each in endpoints
            if (each.get("conditions") or {}).get("ready") is not False
        }


def targets_of(cluster: Cluster, plan: Plan) -> tuple[Target, ...]:
    """Find what serves users of each service; refuse what is not there or on its way."""
    found = []
    for service in plan.services:
        seen = machine_for(cluster, plan, service, "", lambda: None).look()
        serving, state = seen.deployments.get(seen.facts.live or PLAIN), state_of(seen.facts)
        if serving is None or state is State.WATCHING:
            at = "is not deployed" if serving is None else "was switched to and is being watched"
            raise Refused(
                f"chaos: {service.name} {at}",
                "only what stands is shaken",
                "deliver it first, to the end; health tells what there is",
            )
        path = service.checks.path or service.health
        found.append(Target(service.name, serving["metadata"]["name"], path))
    return tuple(found)
