"""DaemonSets: one pod on every node that takes it.

Invariant: a node has at most one pod of the present template (plus one while surging), and no more than
`maxUnavailable` nodes are without an available one because of an update.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import ClassVar

from drydock.cluster.client import ApiError, Client
from drydock.cluster.controllers.controller import Controller
from drydock.cluster.controllers.deployment.rollout import scaled
from drydock.cluster.controllers.history import LABEL, current_revision, forget_revisions
from drydock.cluster.controllers.informer import Cache
from drydock.cluster.controllers.meta import (
    Key,
    compact,
    is_deleting,
    key_of,
    labels_of,
    now,
    owner_reference,
)
from drydock.cluster.controllers.node_choice import node_matches, tolerates_node
from drydock.cluster.controllers.ownership import claim
from drydock.cluster.controllers.pods import has_ended, is_available, is_ready, pod_from
from drydock.cluster.errors import Obj

TOLERATED = (
    ("node.kubernetes.io/not-ready", "NoExecute"),
    ("node.kubernetes.io/unreachable", "NoExecute"),
    ("node.kubernetes.io/disk-pressure", "NoSchedule"),
    ("node.kubernetes.io/memory-pressure", "NoSchedule"),
    ("node.kubernetes.io/pid-pressure", "NoSchedule"),
    ("node.kubernetes.io/unschedulable", "NoSchedule"),
)


class DaemonSetController(Controller):
    """Keeps the pods of every DaemonSet."""

    name: ClassVar[str] = "daemonset-controller"
    kind: ClassVar[str] = "apps/v1/DaemonSet"

    def __init__(self, client: Client, cache: Cache) -> None:
        super().__init__(client, cache)
        self.pods = self.secondary("v1/Pod")
        self.revisions = self.secondary("apps/v1/ControllerRevision")
        self.nodes = cache["v1/Node"]
        self.nodes.on_change(self._node_changed)

    async def sync(self, key: Key) -> None:
        """Create, replace and delete pods of one DaemonSet, then write its status."""
        owner = self.primary.get(key)
        if owner is None or is_deleting(owner):
            return
        revision = await current_revision(self, owner)
        pods = await claim(self, owner, self.pods)
        nodes = [node for node in self.nodes.items() if _wants(owner, node)]
        names = {node["metadata"]["name"] for node in nodes}
        by_node: dict[str, list[Obj]] = {name: [] for name in names}
        for pod in pods:
            node = target_of(pod)
            if node in names:
                by_node[node].append(pod)
            elif not is_deleting(pod):
                await self._delete(owner, pod)
        for node, there in by_node.items():
            live = [pod for pod in there if not is_deleting(pod)]
            for pod in live:
                if has_ended(pod):
                    await self._delete(owner, pod)
            if not there:
                await self._create(owner, node, revision)
        await self._roll(owner, by_node, revision)
        await self._write_status(owner, sorted(names), revision)
        await forget_revisions(self, owner, [revision["metadata"]["name"]])

    async def _roll(self, owner: Obj, by_node: dict[str, list[Obj]], revision: Obj) -> None:
        strategy = owner["spec"].get("updateStrategy") or {}
        if strategy.get("type", "RollingUpdate") != "RollingUpdate":
            return
        rolling = strategy.get("rollingUpdate") or {}
        allowed = scaled(rolling.get("maxUnavailable", 1), len(by_node), up=True)
        surge = scaled(rolling.get("maxSurge", 0), len(by_node), up=True)
        wait, at = owner["spec"].get("minReadySeconds", 0), now()
        short = labels_of(revision)[LABEL]
        missing = sum(
            not any(is_available(pod, wait, at) and not is_deleting(pod) for pod in there)
            for there in by_node.values()
        )
        surging = sum(len(there) > 1 for there in by_node.values())
        for node, there in by_node.items():
            live = [pod for pod in there if not is_deleting(pod)]
            old = [pod for pod in live if labels_of(pod).get(LABEL) != short]
            new = [pod for pod in live if labels_of(pod).get(LABEL) == short]
            if not old:
                continue
            if surge:
                if new and is_available(new[0], wait, at):
                    await self._delete(owner, old[0])
                elif not new and surging < surge:
                    surging += 1
                    await self._create(owner, node, revision)
                continue
            serving = is_available(old[0], wait, at)
            if not serving or missing < max(1, allowed):
                missing += serving
                await self._delete(owner, old[0])

    async def _create(self, owner: Obj, node: str, revision: Obj) -> None:
        namespace, _ = key_of(owner)
        template = copy.deepcopy(owner["spec"]["template"])
        reference = owner_reference(owner, "apps/v1", "DaemonSet")
        pod = pod_from(template, namespace=namespace, owner=reference)
        generation = (
            owner["metadata"]
            .get("annotations", {})
            .get(
                "deprecated.daemonset.template.generation",
                str(owner["metadata"].get("generation", 1)),
            )
        )
        pod["metadata"]["labels"] |= {
            LABEL: labels_of(revision)[LABEL],
            "pod-template-generation": generation,
        }
        _pin(pod, node)
        try:
            made = await self.create(pod)
        except ApiError as error:
            await self.recorder.warning(owner, "FailedCreate", f"Error creating: {error}")
            raise
        text = f"Created pod: {made['metadata']['name']}"
        await self.recorder.normal(owner, "SuccessfulCreate", text)

    async def _delete(self, owner: Obj, pod: Obj) -> None:
        await self.delete(pod)
        text = f"Deleted pod: {pod['metadata']['name']}"
        await self.recorder.normal(owner, "SuccessfulDelete", text)

    async def _write_status(self, owner: Obj, nodes: Sequence[str], revision: Obj) -> None:
        pods = [p for p in self.pods.owned_by(owner["metadata"]["uid"]) if not is_deleting(p)]
        wait, at = owner["spec"].get("minReadySeconds", 0), now()
        short = labels_of(revision)[LABEL]
        there: dict[str, Obj] = {}
        for pod in pods:
            there[target_of(pod)] = pod
        own = [there[node] for node in nodes if node in there]
        available = sum(is_available(pod, wait, at) for pod in own)
        held = owner.get("status") or {}
        status = {
            "currentNumberScheduled": len(own),
            "desiredNumberScheduled": len(nodes),
            "numberMisscheduled": sum(node not in nodes for node in there),
            "numberReady": sum(is_ready(pod) for pod in own),
            "observedGeneration": owner["metadata"].get("generation", 1),
            **compact(
                {
                    "updatedNumberScheduled": sum(labels_of(p).get(LABEL) == short for p in own),
                    "numberAvailable": available,
                    "numberUnavailable": len(nodes) - available,
                    "collisionCount": held.get("collisionCount"),
                    "conditions": held.get("conditions") or [],
                }
            ),
        }
        await self.update_status(owner, status)

    def _node_changed(self, old: Obj | None, new: Obj | None) -> None:
        if old is not None and new is not None:
            same = labels_of(old) == labels_of(new) and old.get("spec") == new.get("spec")
            if same:
                return
        for owner in self.primary.items():
            self.queue.add(key_of(owner))


def target_of(pod: Obj) -> str:
    """Return the node that a daemon pod is meant for, bound or not."""
    if pod["spec"].get("nodeName"):
        return str(pod["spec"]["nodeName"])
    affinity = (pod["spec"].get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or {}
    for term in required.get("nodeSelectorTerms") or []:
        for rule in term.get("matchFields") or []:
            if rule["key"] == "metadata.name":
                return str(rule["values"][0])
    return ""


def _pin(pod: Obj, node: str) -> None:
    """Bind the pod's affinity to one node and let it stay on an unwell one."""
    affinity = pod["spec"].setdefault("affinity", {}).setdefault("nodeAffinity", {})
    rule = {"key": "metadata.name", "operator": "In", "values": [node]}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or {}
    terms = required.get("nodeSelectorTerms") or [{}]
    affinity["requiredDuringSchedulingIgnoredDuringExecution"] = {
        "nodeSelectorTerms": [{**term, "matchFields": [rule]} for term in terms]
    }
    tolerations = pod["spec"].setdefault("tolerations", [])
    tolerations += [
        {"key": key, "operator": "Exists", "effect": effect} for key, effect in TOLERATED
    ]


def _wants(owner: Obj, node: Obj) -> bool:
    template = owner["spec"]["template"]
    pod = {"metadata": {}, "spec": copy.deepcopy(template["spec"])}
    _pin(pod, node["metadata"]["name"])
    return node_matches(pod, node) and tolerates_node(pod, node)
