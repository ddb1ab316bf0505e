"""Which other pods keep a pod from a node: by its affinity, its spread, its ports, its claims.

Pure; the scheduler asks. A refusal is worded as a scheduler words it, and says whether other pods would
have to go to make room.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from drydock.cluster.controllers.meta import key_of, labels_of, selects
from drydock.cluster.errors import Obj


@dataclass(frozen=True)
class Refusal:
    """Why one node does not take a pod; `final` when no eviction would help."""

    reasons: tuple[str, ...]
    final: bool = True


@dataclass(frozen=True)
class Surroundings:
    """Everything that is there already."""

    nodes: Sequence[Obj]
    pods: Sequence[Obj]
    """Those that have a node and have not ended."""
    namespaces: Mapping[str, Mapping[str, str]]

    def on(self, node: Obj) -> list[Obj]:
        """Return the pods of a node."""
        name = node["metadata"]["name"]
        return [pod for pod in self.pods if pod["spec"].get("nodeName") == name]

    def beside(self, node: Obj, key: str) -> list[Obj]:
        """Return the pods in the domain of a node: on all nodes with its value of a label."""
        value = labels_of(node).get(key)
        names = {one["metadata"]["name"] for one in self.nodes if labels_of(one).get(key) == value}
        return [pod for pod in self.pods if value and pod["spec"].get("nodeName") in names]


def ports_taken(pod: Obj, node: Obj, around: Surroundings) -> Refusal | None:
    """Refuse a node whose ports are in use."""
    wanted = set(_host_ports(pod))
    if not wanted & {port for other in around.on(node) for port in _host_ports(other)}:
        return None
    return Refusal(("node(s) didn't have free ports for the requested pod ports",), final=False)


def spread_refusal(pod: Obj, node: Obj, around: Surroundings) -> Refusal | None:
    """Refuse a node where the pods of a spread constraint would become too many."""
    for rule in pod["spec"].get("topologySpreadConstraints") or []:
        if rule.get("whenUnsatisfiable") != "DoNotSchedule":
            continue
        key, text = rule["topologyKey"], "node(s) didn't match pod topology spread constraints"
        if key not in labels_of(node):
            return Refusal((f"{text} (missing required label)",))
        counts: Counter[str] = Counter()
        for one in around.nodes:
            value = labels_of(one).get(key)
            if value is not None:
                counts[value] += sum(_spreads(rule, pod, other) for other in around.on(one))
        least = min(counts.values(), default=0)
        if len(counts) < (rule.get("minDomains") or 1):
            least = 0
        own = int(selects(rule.get("labelSelector"), labels_of(pod)))
        if counts[labels_of(node)[key]] + own - least > rule["maxSkew"]:
            return Refusal((text,), final=False)
    return None


def affinity_refusal(pod: Obj, node: Obj, around: Surroundings) -> Refusal | None:
    """Refuse a node by the pods that must, or must not, be near."""
    terms = _required(pod, "podAffinity")
    if terms and not _alone(pod, terms, around):
        for term in terms:
            near = around.beside(node, term["topologyKey"])
            if not any(_means(term, pod, other, around) for other in near):
                return Refusal(("node(s) didn't match pod affinity rules",))
    for term in _required(pod, "podAntiAffinity"):
        near = around.beside(node, term["topologyKey"])
        if any(_means(term, pod, other, around) for other in near):
            return Refusal(("node(s) didn't match pod anti-affinity rules",), final=False)
    for other in around.pods:
        for term in _required(other, "podAntiAffinity"):
            if _means(term, other, pod, around) and other in around.beside(
                node, term["topologyKey"]
            ):
                text = "node(s) didn't satisfy existing pods anti-affinity rules"
                return Refusal((text,), final=False)
    return None


def _alone(pod: Obj, terms: Sequence[Obj], around: Surroundings) -> bool:
    """Tell whether a pod is the first of the pods that want to be together."""
    return all(_means(term, pod, pod, around) for term in terms) and not any(
        _means(term, pod, other, around) for other in around.pods for term in terms
    )


def _required(pod: Obj, kind: str) -> list[Obj]:
    affinity = (pod["spec"].get("affinity") or {}).get(kind) or {}
    return affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or []


def _means(term: Obj, owner: Obj, other: Obj, around: Surroundings) -> bool:
    """Tell whether a term of `owner` is about another pod."""
    where, selector = key_of(other)[0], term.get("namespaceSelector")
    named = term.get("namespaces") or []
    chosen = selector is not None and selects(selector, around.namespaces.get(where, {}))
    at_home = not named and selector is None and where == key_of(owner)[0]
    return (chosen or where in named or at_home) and selects(
        term.get("labelSelector"), labels_of(other)
    )


def _spreads(rule: Obj, pod: Obj, other: Obj) -> bool:
    return key_of(other)[0] == key_of(pod)[0] and selects(
        rule.get("labelSelector"), labels_of(other)
    )


def _host_ports(pod: Obj) -> Iterable[tuple[str, int]]:
    for container in pod["spec"]["containers"]:
        for port in container.get("ports") or []:
            if port.get("hostPort"):
                yield port.get("protocol", "TCP"), int(port["hostPort"])
