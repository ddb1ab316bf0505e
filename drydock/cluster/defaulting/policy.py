"""Defaults of autoscalers, limit ranges, bindings and classes."""

from __future__ import annotations

from drydock.cluster.defaulting.registry import defaults
from drydock.cluster.errors import Obj

RBAC = "rbac.authorization.k8s.io"


@defaults("horizontalpodautoscalers.autoscaling")
def autoscaler(obj: Obj) -> None:
    """Fill in an autoscaler: half a wish becomes 80 % of the processor."""
    spec = obj["spec"]
    spec.setdefault("minReplicas", 1)
    if not spec.get("metrics"):
        target = {"type": "Utilization", "averageUtilization": 80}
        spec["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]


@defaults("limitranges")
def limit_range(obj: Obj) -> None:
    """Fill in the limits of containers: maximum, then limit, then request."""
    for item in obj["spec"].get("limits") or ():
        if item.get("type") != "Container":
            continue
        limit = {**(item.get("max") or {}), **(item.get("default") or {})}
        request = {**(item.get("min") or {}), **limit, **(item.get("defaultRequest") or {})}
        if limit:
            item["default"] = limit
        if request:
            item["defaultRequest"] = request


@defaults("rolebindings.rbac.authorization.k8s.io")
@defaults("clusterrolebindings.rbac.authorization.k8s.io")
def binding(obj: Obj) -> None:
    """Fill in the API groups of a binding."""
    obj["roleRef"]["apiGroup"] = obj["roleRef"].get("apiGroup") or RBAC
    for subject in obj.get("subjects") or ():
        if subject.get("kind") in ("User", "Group"):
            subject.setdefault("apiGroup", RBAC)


@defaults("priorityclasses.scheduling.k8s.io")
def priority_class(obj: Obj) -> None:
    """Fill in a priority class."""
    obj.setdefault("preemptionPolicy", "PreemptLowerPriority")


@defaults("storageclasses.storage.k8s.io")
def storage_class(obj: Obj) -> None:
    """Fill in a storage class."""
    obj.setdefault("reclaimPolicy", "Delete")
    obj.setdefault("volumeBindingMode", "Immediate")
