"""Taints of nodes: those that follow from a cordon, and pods that have to go because of one.

Invariant: a node that takes no new pods says so by its taint, and a pod is deleted when a `NoExecute`
taint is there that it does not tolerate, or has tolerated for as long as it wanted to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import ClassVar

from drydock.cluster.client import Client
from drydock.cluster.controllers.controller import Controller
from drydock.cluster.controllers.informer import Cache
from drydock.cluster.controllers.meta import Key, is_deleting, key_of, now, seconds_until, stamp
from drydock.cluster.controllers.node_choice import tolerates
from drydock.cluster.controllers.pods import has_ended
from drydock.cluster.errors import Obj

UNSCHEDULABLE = "node.kubernetes.io/unschedulable"


class CordonController(Controller):
    """Marks nodes that are cordoned."""

    name: ClassVar[str] = "node-controller"
    kind: ClassVar[str] = "v1/Node"
    workers: ClassVar[int] = 1

    async def sync(self, key: Key) -> None:
        """Bring the taint of one node in line with its cordon."""
        node = self.primary.get(key)
        if node is None or is_deleting(node):
            return
        taints = (node.get("spec") or {}).get("taints") or []
        wanted = bool((node.get("spec") or {}).get("unschedulable"))
        if wanted == any(_is_cordon(one) for one in taints):
            return
        kept = [one for one in taints if not _is_cordon(one)]
        if wanted:
            kept.append({"key": UNSCHEDULABLE, "effect": "NoSchedule", "timeAdded": stamp()})
        change = {"metadata": {"resourceVersion": node["metadata"]["resourceVersion"]}}
        change["spec"] = {"taints": kept or None}
        self.primary.observe(await self.client.patch(self.kind, None, key[1], change))


class TaintEvictionController(Controller):
    """Deletes pods that a node does not bear any more."""

    name: ClassVar[str] = "taint-eviction-controller"
    kind: ClassVar[str] = "v1/Pod"

    def __init__(self, client: Client, cache: Cache) -> None:
        super().__init__(client, cache)
        self.nodes = cache["v1/Node"]
        self.nodes.on_change(self._node_changed)
        self._seen: dict[Key, dict[str, datetime]] = {}

    async def sync(self, key: Key) -> None:
        """Delete one pod when its time on its node is over."""
        pod = self.primary.get(key)
        if pod is None or is_deleting(pod) or has_ended(pod):
            self._seen.pop(key, None)
            return
        node = self.nodes.get(("", pod["spec"].get("nodeName", "")))
        taints = _evicting(node) if node is not None else []
        seen = self._seen.get(key, {})
        self._seen[key] = {name: seen.get(name, now()) for name in map(_name, taints)}
        left = patience(pod, taints, self._seen[key])
        if left is None:
            return
        if left > 0:
            self.queue.add_after(key, left + 0.05)
            return
        namespace, name = key
        text = f"Marking for deletion Pod {namespace}/{name}"
        await self.recorder.normal(pod, "TaintManagerEviction", text)
        await self.delete(pod)

    def _node_changed(self, old: Obj | None, new: Obj | None) -> None:
        if new is None or (old is not None and _evicting(old) == _evicting(new)):
            return
        for pod in self.primary.items():
            if pod["spec"].get("nodeName") == new["metadata"]["name"]:
                self.queue.add(key_of(pod))


def patience(pod: Obj, taints: Sequence[Obj], since: Mapping[str, datetime]) -> float | None:
    """Return the seconds that a pod may stay under taints seen since; None for ever."""
    ends: list[float] = []
    for taint in taints:
        fitting = [one for one in pod["spec"].get("tolerations") or [] if tolerates([one], taint)]
        if not fitting:
            return 0.0
        limits = [one["tolerationSeconds"] for one in fitting if "tolerationSeconds" in one]
        if limits:
            end = since[_name(taint)] + timedelta(seconds=max(0, min(limits)))
            ends.append(seconds_until(end))
    return max(0.0, min(ends)) if ends else None


def _evicting(node: Obj) -> list[Obj]:
    taints = (node.get("spec") or {}).get("taints") or []
    return [one for one in taints if one.get("effect") == "NoExecute"]


def _is_cordon(taint: Obj) -> bool:
    return taint["key"] == UNSCHEDULABLE and taint.get("effect") == "NoSchedule"


def _name(taint: Obj) -> str:
    return f"{taint['key']}={taint.get('value', '')}"
