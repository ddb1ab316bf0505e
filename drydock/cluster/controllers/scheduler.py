"""The scheduler: gives every new pod a node, or says why there is none.

Invariant: a pod is bound once, to a node that is ready, whose labels and taints it accepts, and
whose allocatable resources hold its requests beside those of the pods that are there already.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import ClassVar

from drydock.cluster.client import Client
from drydock.cluster.controllers.controller import Controller
from drydock.cluster.controllers.informer import Cache
from drydock.cluster.controllers.meta import (
    Key,
    condition_of,
    is_deleting,
    key_of,
    labels_of,
    stamp,
    without_condition,
)
from drydock.cluster.controllers.pods import has_ended
from drydock.cluster.controllers.record import record_action
from drydock.cluster.errors import Obj
from drydock.cluster.quantity import amount

SCHEDULER = "default-scheduler"
RETRY_SECONDS = 30.0


class Scheduler(Controller):
    """Binds pods to nodes."""

    name: ClassVar[str] = SCHEDULER
    kind: ClassVar[str] = "v1/Pod"
    workers: ClassVar[int] = 1

    def __init__(self, client: Client, cache: Cache) -> None:
        super().__init__(client, cache)
        self.nodes = cache["v1/Node"]
        self.nodes.on_change(self._node_changed)

    async def sync(self, key: Key) -> None:
        """Bind one pod, or record why it cannot be."""
        pod = self.primary.get(key)
        if pod is None or pod["spec"].get("nodeName") or is_deleting(pod) or has_ended(pod):
            return
        if pod["spec"].get("schedulerName", SCHEDULER) != SCHEDULER:
            return
        if pod["spec"].get("schedulingGates"):
            return
        nodes = self.nodes.items()
        refusals = {node["metadata"]["name"]: self._refusal(pod, node) for node in nodes}
        fitting = [name for name, refusal in refusals.items() if not refusal]
        if not fitting:
            await self._refuse(pod, [text for text in refusals.values() if text])
            return
        load = Counter(one["spec"].get("nodeName", "") for one in self.primary.items())
        await self._bind(pod, min(fitting, key=lambda name: (load[name], name)))

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

    async def _refuse(self, pod: Obj, refusals: list[list[str]]) -> None:
        message = explanation(refusals)
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

    def _refusal(self, pod: Obj, node: Obj) -> list[str]:
        """Return why a node does not take the pod; empty when it does."""
        spec = node.get("spec") or {}
        tolerations = pod["spec"].get("tolerations") or []
        if spec.get("unschedulable") and not _tolerates(tolerations, UNSCHEDULABLE):
            return ["node(s) were unschedulable"]
        if not tolerates_node(pod, node):
            return ["node(s) had untolerated taint(s)"]
        if not node_matches(pod, node):
            return ["node(s) didn't match Pod's node affinity/selector"]
        return self._shortage(pod, node)

    def _shortage(self, pod: Obj, node: Obj) -> list[str]:
        status = node.get("status") or {}
        allocatable = status.get("allocatable") or status.get("capacity") or {}
        name = node["metadata"]["name"]
        there = [
            one
            for one in self.primary.items()
            if one["spec"].get("nodeName") == name and not has_ended(one)
        ]
        if "pods" in allocatable and len(there) + 1 > amount(allocatable["pods"]):
            return ["Too many pods"]
        free = {resource: amount(text) for resource, text in allocatable.items()}
        for one in there:
            for resource, taken in requests_of(one).items():
                free[resource] = free.get(resource, Fraction(0)) - taken
        return [
            f"Insufficient {resource}"
            for resource, wanted in sorted(requests_of(pod).items())
            if wanted and wanted > free.get(resource, 0)
        ]

    def _node_changed(self, old: Obj | None, new: Obj | None) -> None:
        if new is None or (old is not None and _offer(old) == _offer(new)):
            return
        for pod in self.primary.items():
            if not pod["spec"].get("nodeName"):
                self.queue.add(key_of(pod))


UNSCHEDULABLE = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}


def explanation(refusals: list[list[str]]) -> str:
    """Word the refusals of all nodes as the scheduler does."""
    if not refusals:
        return "no nodes available to schedule pods"
    count = len(refusals)
    counted = Counter(text for reasons in refusals for text in reasons)
    listed = ", ".join(f"{number} {text}" for text, number in sorted(counted.items()))
    available = f"0/{count} nodes are available:"
    preemption = f"preemption: {available} {count} Preemption is not helpful for scheduling."
    return f"{available} {listed}. no new claims to deallocate, {preemption}"


def requests_of(pod: Obj) -> dict[str, Fraction]:
    """Return what a pod asks for: the containers together, or the largest init container."""
    total: dict[str, Fraction] = {}
    for container in pod["spec"]["containers"]:
        _add(total, (container.get("resources") or {}).get("requests") or {})
    for container in pod["spec"].get("initContainers") or []:
        for name, text in ((container.get("resources") or {}).get("requests") or {}).items():
            total[name] = max(total.get(name, Fraction(0)), amount(text))
    _add(total, pod["spec"].get("overhead") or {})
    return total


def _add(total: dict[str, Fraction], more: Mapping[str, object]) -> None:
    for name, text in more.items():
        total[name] = total.get(name, Fraction(0)) + amount(text)


def tolerates_node(pod: Obj, node: Obj) -> bool:
    """Tell whether a pod accepts every taint of a node that keeps pods away."""
    tolerations = pod["spec"].get("tolerations") or []
    return all(
        taint.get("effect") == "PreferNoSchedule" or _tolerates(tolerations, taint)
        for taint in (node.get("spec") or {}).get("taints") or []
    )


def node_matches(pod: Obj, node: Obj) -> bool:
    """Tell whether a node has the labels that selector and required affinity ask for."""
    labels = labels_of(node)
    if not (pod["spec"].get("nodeSelector") or {}).items() <= labels.items():
        return False
    affinity = (pod["spec"].get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    if required is None:
        return True
    fields = {"metadata.name": node["metadata"]["name"]}
    return any(
        all(_expression(rule, labels) for rule in term.get("matchExpressions") or [])
        and all(_expression(rule, fields) for rule in term.get("matchFields") or [])
        for term in required.get("nodeSelectorTerms") or []
        if term.get("matchExpressions") or term.get("matchFields")
    )


def _expression(rule: Obj, labels: Mapping[str, str]) -> bool:
    value, values = labels.get(rule["key"]), rule.get("values") or []
    match rule["operator"]:
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case "Gt":
            return value is not None and int(value) > int(values[0])
        case _:
            return value is not None and int(value) < int(values[0])


def _tolerates(tolerations: Iterable[Obj], taint: Obj) -> bool:
    for one in tolerations:
        key_fits = not one.get("key") or one["key"] == taint["key"]
        effect_fits = not one.get("effect") or one["effect"] == taint.get("effect")
        any_value = one.get("operator") == "Exists"
        value_fits = any_value or one.get("value", "") == taint.get("value", "")
        if key_fits and effect_fits and value_fits and (one.get("key") or any_value):
            return True
    return False


def _offer(node: Obj) -> tuple[object, ...]:
    """Return what of a node decides about pods; heartbeats change nothing of it."""
    return node.get("spec"), labels_of(node), (node.get("status") or {}).get("allocatable")
