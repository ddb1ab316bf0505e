"""The scheduler: gives every new pod a node, or says why there is none.

Invariant: a pod is bound once, to a node that is ready, whose labels and taints it accepts, and
whose allocatable resources hold its requests beside those of the pods that are there already.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from typing import ClassVar

from drydock.cluster.client import Client
from drydock.cluster.controllers.claims import CLAIM, CLASS, LATE, claims_of
from drydock.cluster.controllers.controller import Controller
from drydock.cluster.controllers.informer import Cache
from drydock.cluster.controllers.meta import (
    Key,
    annotations_of,
    condition_of,
    is_deleting,
    key_of,
    labels_of,
    stamp,
    without_condition,
)
from drydock.cluster.controllers.node_choice import (
    UNSCHEDULABLE,
    node_matches,
    tolerates,
    tolerates_node,
)
from drydock.cluster.controllers.placement import (
    Refusal,
    Surroundings,
    affinity_refusal,
    ports_taken,
    spread_refusal,
)
from drydock.cluster.controllers.pods import has_ended
from drydock.cluster.controllers.record import record_action
from drydock.cluster.errors import Obj
from drydock.cluster.quantity import amount
from drydock.cluster.requests import pod_amounts

SCHEDULER = "default-scheduler"
RETRY_SECONDS = 30.0
SELECTED_NODE = "volume.kubernetes.io/selected-node"


class Scheduler(Controller):
    """Binds pods to nodes."""

    name: ClassVar[str] = SCHEDULER
    kind: ClassVar[str] = "v1/Pod"
    workers: ClassVar[int] = 1

    def __init__(self, client: Client, cache: Cache) -> None:
        super().__init__(client, cache)
        self.nodes, self.namespaces = cache["v1/Node"], cache["v1/Namespace"]
        self.claims, self.classes = cache[CLAIM], cache[CLASS]
        self.nodes.on_change(self._node_changed)
        self.claims.on_change(self._claim_changed)

    async def sync(self, key: Key) -> None:
        """Bind one pod, or record why it cannot be."""
        pod = self.primary.get(key)
        if pod is None or pod["spec"].get("nodeName") or is_deleting(pod) or has_ended(pod):
            if pod is None or has_ended(pod):
                self._wake_waiting()
            return
        if pod["spec"].get("schedulerName", SCHEDULER) != SCHEDULER:
            return
        if pod["spec"].get("schedulingGates"):
            return
        nodes = self.nodes.items()
        waits = await self._waits_for_claims(pod, nodes)
        if waits is not None:
            if waits:
                await self._refuse(pod, before_nodes(len(nodes), waits))
            return
        around = self._surroundings()
        refusals = {node["metadata"]["name"]: self._refusal(pod, node, around) for node in nodes}
        fitting = [name for name, refusal in refusals.items() if refusal is None]
        if not fitting:
            found = [refusal for refusal in refusals.values() if refusal is not None]
            await self._refuse(pod, explanation(found))
            return
        load = Counter(one["spec"].get("nodeName", "") for one in self.primary.items())
        await self._bind(pod, min(fitting, key=lambda name: (load[name], name)))

    def _surroundings(self) -> Surroundings:
        there = [
            one
            for one in self.primary.items()
            if one["spec"].get("nodeName") and not has_ended(one)
        ]
        spaces = {one["metadata"]["name"]: labels_of(one) for one in self.namespaces.items()}
        return Surroundings(self.nodes.items(), there, spaces)

    async def _waits_for_claims(self, pod: Obj, nodes: Sequence[Obj]) -> str | None:
        """Return what a pod's claims lack, None when nothing; empty when it is on its way.

        A claim that waits for its first consumer is told the node.
        """
        for name in claims_of(pod):
            claim = self.claims.get((key_of(pod)[0], name))
            if claim is None:
                return f'persistentvolumeclaim "{name}" not found'
            if claim["spec"].get("volumeName"):
                continue
            found = self.classes.get(("", claim["spec"].get("storageClassName") or ""))
            if found is None or found.get("volumeBindingMode") != LATE:
                return "pod has unbound immediate PersistentVolumeClaims"
            if nodes and SELECTED_NODE not in annotations_of(claim):
                notes = {"annotations": {SELECTED_NODE: nodes[0]["metadata"]["name"]}}
                await self.client.patch(CLAIM, key_of(pod)[0], name, {"metadata": notes})
            return ""
        return None

    async def _bind(self, pod: Obj, node: str) -> None:
        namespace, name = key_of(pod)
        await self.client.create(
            {
                "apiVersion": "v1",
                "kind": "Binding",
                "metadata": {"name": name, "namespace": namespace, "uid": pod["metadata"]["uid"]},
                "target": {"apiVersion": "v1", "kind": "Node", "name": node},
            }
        )
        self.primary.observe(await self.client.get("v1/Pod", namespace, name))
        await record_action(
            self.client,
            pod,
            by=SCHEDULER,
            kind="Normal",
            reason="Scheduled",
            action="Binding",
            message=f"Successfully assigned {namespace}/{name} to {node}",
        )

    async def _refuse(self, pod: Obj, message: str) -> None:
        held = condition_of(pod.get("status") or {}, "PodScheduled")
        if held is None or held.get("message") != message:
            status = pod.get("status") or {}
            made = {
                "type": "PodScheduled",
                "status": "False",
                "lastProbeTime": None,
                "lastTransitionTime": held["lastTransitionTime"] if held else stamp(),
                "reason": "Unschedulable",
                "message": message,
                "observedGeneration": pod["metadata"].get("generation", 1),
            }
            others = without_condition(status.get("conditions") or [], "PodScheduled")
            await self.update_status(pod, {**status, "conditions": [*others, made]})
            await record_action(
                self.client,
                pod,
                by=SCHEDULER,
                kind="Warning",
                reason="FailedScheduling",
                action="Scheduling",
                message=message,
            )
        self.queue.add_after(key_of(pod), RETRY_SECONDS)

    def _refusal(self, pod: Obj, node: Obj, around: Surroundings) -> Refusal | None:
        """Return why a node does not take the pod, None when it does."""
        spec = node.get("spec") or {}
        tolerations = pod["spec"].get("tolerations") or []
        if spec.get("unschedulable") and not tolerates(tolerations, UNSCHEDULABLE):
            return Refusal(("node(s) were unschedulable",))
        if not tolerates_node(pod, node):
            return Refusal(("node(s) had untolerated taint(s)",))
        if not node_matches(pod, node):
            return Refusal(("node(s) didn't match Pod's node affinity/selector",))
        return (
            ports_taken(pod, node, around)
            or self._shortage(pod, node, around)
            or spread_refusal(pod, node, around)
            or affinity_refusal(pod, node, around)
        )

    def _shortage(self, pod: Obj, node: Obj, around: Surroundings) -> Refusal | None:
        status = node.get("status") or {}
        allocatable = status.get("allocatable") or status.get("capacity") or {}
        there = around.on(node)
        if "pods" in allocatable and len(there) + 1 > amount(allocatable["pods"]):
            return Refusal(("Too many pods",), final=False)
        whole = {resource: amount(text) for resource, text in allocatable.items()}
        free = dict(whole)
        for one in there:
            for resource, taken in pod_amounts(one["spec"], "requests").items():
                free[resource] = free.get(resource, Fraction(0)) - taken
        wish = pod_amounts(pod["spec"], "requests")
        short = [
            name for name, wanted in sorted(wish.items()) if wanted and wanted > free.get(name, 0)
        ]
        if not short:
            return None
        final = any(wish[name] > whole.get(name, 0) for name in short)
        return Refusal(tuple(f"Insufficient {name}" for name in short), final=final)

    def _wake_waiting(self) -> None:
        for pod in self.primary.items():
            if not pod["spec"].get("nodeName") and not is_deleting(pod):
                self.queue.add(key_of(pod))

    def _node_changed(self, old: Obj | None, new: Obj | None) -> None:
        if new is None or (old is not None and _offer(old) == _offer(new)):
            return
        self._wake_waiting()

    def _claim_changed(self, old: Obj | None, new: Obj | None) -> None:
        if old is None or new is None or old["spec"] != new["spec"]:
            self._wake_waiting()


def explanation(refusals: Sequence[Refusal]) -> str:
    """Word the refusals of all nodes as the scheduler does."""
    count = len(refusals)
    if not count:
        return "no nodes available to schedule pods"
    counted = Counter(text for refusal in refusals for text in refusal.reasons)
    listed = ", ".join(f"{number} {text}" for text, number in sorted(counted.items()))
    final = sum(refusal.final for refusal in refusals)
    rows = [(count - final, "No preemption victims found for incoming pod")]
    rows.append((final, "Preemption is not helpful for scheduling"))
    told = ", ".join(f"{number} {text}" for number, text in rows if number)
    available = f"0/{count} nodes are available:"
    return f"{available} {listed}. no new claims to deallocate, preemption: {available} {told}."


def before_nodes(count: int, why: str) -> str:
    """Word what keeps a pod from every node alike."""
    if not count:
        return "no nodes available to schedule pods"
    available = f"0/{count} nodes are available:"
    helpless = f"preemption: {available} {count} Preemption is not helpful for scheduling."
    return f"{available} {why}. no new claims to deallocate, {helpless}"


def _offer(node: Obj) -> tuple[object, ...]:
    """Return what of a node decides about pods; heartbeats change nothing of it."""
    return node.get("spec"), labels_of(node), (node.get("status") or {}).get("allocatable")
