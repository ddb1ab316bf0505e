"""StatefulSets: pods with a name each, made and replaced one after the other.

Invariant: with ordered management a pod is made only when all before it are available, and taken away
only when all behind it are gone; an update goes from the last ordinal down to the partition.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import ClassVar

from drydock.cluster.client import ApiError, Client
from drydock.cluster.controllers.controller import Controller
from drydock.cluster.controllers.history import (
    LABEL,
    current_revision,
    forget_revisions,
    revisions_of,
)
from drydock.cluster.controllers.informer import Cache
from drydock.cluster.controllers.meta import (
    Key,
    compact,
    is_deleting,
    key_of,
    labels_of,
    now,
    owner_reference,
    seconds_until,
)
from drydock.cluster.controllers.ownership import claim
from drydock.cluster.controllers.pods import (
    available_at,
    has_ended,
    is_available,
    is_ready,
    phase_of,
    pod_from,
)
from drydock.cluster.errors import Obj

POD_NAME = "statefulset.kubernetes.io/pod-name"
POD_INDEX = "apps.kubernetes.io/pod-index"


class StatefulSetController(Controller):
    """Keeps the numbered pods of every StatefulSet."""

    name: ClassVar[str] = "statefulset-controller"
    kind: ClassVar[str] = "apps/v1/StatefulSet"

    def __init__(self, client: Client, cache: Cache) -> None:
        super().__init__(client, cache)
        self.pods = self.secondary("v1/Pod")
        self.revisions = self.secondary("apps/v1/ControllerRevision")

    async def sync(self, key: Key) -> None:
        """Take the next step of one StatefulSet, then write its status."""
        owner = self.primary.get(key)
        if owner is None or is_deleting(owner):
            return
        update = await current_revision(self, owner)
        current = self._current(owner, update)
        pods = {_ordinal(owner, pod): pod for pod in await claim(self, owner, self.pods)}
        pods.pop(None, None)
        numbered = {at: pod for at, pod in pods.items() if at is not None}
        await self._step(owner, numbered, current, update)
        await self._write_status(owner, current, update)
        used = [current["metadata"]["name"], update["metadata"]["name"]]
        await forget_revisions(self, owner, used)

    def _current(self, owner: Obj, update: Obj) -> Obj:
        """Return the revision that the update started from."""
        name = (owner.get("status") or {}).get("currentRevision")
        known = {one["metadata"]["name"]: one for one in revisions_of(self, owner)}
        return known.get(name or "", update)

    async def _step(self, owner: Obj, pods: dict[int, Obj], current: Obj, update: Obj) -> None:
        spec = owner["spec"]
        ordered = spec.get("podManagementPolicy", "OrderedReady") == "OrderedReady"
        first = (spec.get("ordinals") or {}).get("start", 0)
        wanted = range(first, first + spec.get("replicas", 1))
        partition = _partition(owner)
        for at in wanted:
            pod = pods.get(at)
            if pod is None:
                revision = update if at >= partition or current is update else current
                await self._create(owner, at, revision)
                if ordered:
                    return
                continue
            if has_ended(pod) and not is_deleting(pod):
                await self._delete(owner, pod)
                return
            if ordered and not self._is_settled(owner, pod):
                return
        for at in sorted(set(pods) - set(wanted), reverse=True):
            if not is_deleting(pods[at]):
                await self._delete(owner, pods[at])
            if ordered:
                return
        if (spec.get("updateStrategy") or {}).get("type") == "OnDelete":
            return
        await self._update(owner, pods, [at for at in wanted if at >= partition], update)

    async def _update(
        self, owner: Obj, pods: dict[int, Obj], targets: Sequence[int], update: Obj
    ) -> None:
        name = update["metadata"]["name"]
        for at in reversed(targets):
            pod = pods.get(at)
            if pod is None:
                return
            if labels_of(pod).get(LABEL) != name:
                if not is_deleting(pod):
                    await self._delete(owner, pod)
                return
            if not self._is_settled(owner, pod):
                return

    def _is_settled(self, owner: Obj, pod: Obj) -> bool:
        wait = owner["spec"].get("minReadySeconds", 0)
        if is_deleting(pod) or phase_of(pod) != "Running" or not is_ready(pod):
            return False
        at = now()
        moment = available_at(pod, wait)
        if moment is not None and moment > at:
            self.queue.add_after(key_of(owner), seconds_until(moment, at=at) + 0.05)
            return False
        return True

    async def _create(self, owner: Obj, at: int, revision: Obj) -> None:
        namespace, name = key_of(owner)
        template = copy.deepcopy(revision["data"]["spec"]["template"])
        template.pop("$patch", None)
        reference = owner_reference(owner, "apps/v1", "StatefulSet")
        pod = pod_from(template, namespace=namespace, owner=reference)
        meta, spec = pod["metadata"], pod["spec"]
        meta["name"] = f"{name}-{at}"
        meta["labels"] |= {
            POD_NAME: meta["name"],
            POD_INDEX: str(at),
            LABEL: revision["metadata"]["name"],
        }
        spec["hostname"] = meta["name"]
        if owner["spec"].get("serviceName"):
            spec["subdomain"] = owner["spec"]["serviceName"]
        await self._claims(owner, pod)
        try:
            await self.create(pod)
        except ApiError as error:
            text = f"Create Pod {meta['name']} in StatefulSet {name} failed error: {error}"
            await self.recorder.warning(owner, "FailedCreate", text)
            raise
        text = f"Create Pod {meta['name']} in StatefulSet {name} successful"
        await self.recorder.normal(owner, "SuccessfulCreate", text)

    async def _claims(self, owner: Obj, pod: Obj) -> None:
        """Create the claims of a pod and mount them; a claim outlives its pod."""
        namespace, _ = key_of(owner)
        volumes = pod["spec"].setdefault("volumes", [])
        for template in owner["spec"].get("volumeClaimTemplates") or []:
            name = f"{template['metadata']['name']}-{pod['metadata']['name']}"
            made = {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "metadata": {
                    "name": name,
                    "namespace": namespace,
                    "labels": dict(owner["spec"]["selector"].get("matchLabels") or {}),
                },
                "spec": template["spec"],
            }
            try:
                await self.client.create(made)
            except ApiError as error:
                if error.code != 409:
                    raise
            kept = [one for one in volumes if one["name"] != template["metadata"]["name"]]
            claim_source = {"claimName": name}
            own = {"name": template["metadata"]["name"], "persistentVolumeClaim": claim_source}
            volumes[:] = [*kept, own]

    async def _delete(self, owner: Obj, pod: Obj) -> None:
        await self.delete(pod)
        name = owner["metadata"]["name"]
        text = f"Delete Pod {pod['metadata']['name']} in StatefulSet {name} successful"
        await self.recorder.normal(owner, "SuccessfulDelete", text)

    async def _write_status(self, owner: Obj, current: Obj, update: Obj) -> None:
        held, spec = owner.get("status") or {}, owner["spec"]
        pods = [p for p in self.pods.owned_by(owner["metadata"]["uid"]) if not is_deleting(p)]
        wait, at = spec.get("minReadySeconds", 0), now()
        names = current["metadata"]["name"], update["metadata"]["name"]
        of_current = sum(labels_of(pod).get(LABEL) == names[0] for pod in pods)
        of_update = sum(labels_of(pod).get(LABEL) == names[1] for pod in pods)
        ready = sum(is_ready(pod) for pod in pods)
        replicas = spec.get("replicas", 1)
        complete = of_update == ready == len(pods) == replicas and _partition(owner) == 0
        if complete:
            names, of_current = (names[1], names[1]), of_update
        status: Obj = {
            "observedGeneration": owner["metadata"].get("generation", 1),
            "replicas": len(pods),
            "availableReplicas": sum(is_available(pod, wait, at) for pod in pods),
            "collisionCount": held.get("collisionCount", 0),
            "currentRevision": names[0],
            "updateRevision": names[1],
            **compact(
                {
                    "readyReplicas": ready,
                    "currentReplicas": of_current,
                    "updatedReplicas": of_update,
                    "conditions": held.get("conditions") or [],
                }
            ),
        }
        await self.update_status(owner, status)


def _partition(owner: Obj) -> int:
    strategy = owner["spec"].get("updateStrategy") or {}
    return int((strategy.get("rollingUpdate") or {}).get("partition", 0))


def _ordinal(owner: Obj, pod: Obj) -> int | None:
    """Return the number at the end of the pod's name, None for a pod of another form."""
    parent, _, tail = pod["metadata"]["name"].rpartition("-")
    return int(tail) if parent == owner["metadata"]["name"] and tail.isdigit() else None
