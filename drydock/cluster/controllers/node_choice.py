"""Which nodes a pod accepts by what they say of themselves: labels, and taints that keep pods away.

Pure. The scheduler asks for every pod, the DaemonSets for theirs, and the taints for pods that run already.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from drydock.cluster.controllers.meta import labels_of
from drydock.cluster.errors import Obj

UNSCHEDULABLE = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}


def tolerates_node(pod: Obj, node: Obj) -> bool:
    """Tell whether a pod accepts every taint of a node that keeps pods away."""
    tolerations = pod["spec"].get("tolerations") or []
    return all(
        taint.get("effect") == "PreferNoSchedule" or tolerates(tolerations, taint)
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


def tolerates(tolerations: Iterable[Obj], taint: Obj) -> bool:
    """Tell whether one of the tolerations is about a taint."""
    for one in tolerations:
        key_fits = not one.get("key") or one["key"] == taint["key"]
        effect_fits = not one.get("effect") or one["effect"] == taint.get("effect")
        any_value = one.get("operator") == "Exists"
        value_fits = any_value or one.get("value", "") == taint.get("value", "")
        if key_fits and effect_fits and value_fits and (one.get("key") or any_value):
            return True
    return False
