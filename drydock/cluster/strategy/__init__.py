"""What a kind does to an object before it is stored: generation, status, allocated values.

The write verbs call `prepare_create` and `prepare_update`. Invariant: the status is written only
through its subresource, everything else only through the main path.
"""

from __future__ import annotations

from drydock.cluster.core import Core
from drydock.cluster.errors import Obj
from drydock.cluster.resources import Resource
from drydock.cluster.schema import normal
from drydock.cluster.server_side_apply.fields import FieldSet
from drydock.cluster.strategy import kinds, pods
from drydock.cluster.strategy.pods import qos

CREATED_BY_UPDATE = frozenset(
    {
        "leases.coordination.k8s.io",
        "endpoints",
        "events",
        "limitranges",
        "services",
        "roles.rbac.authorization.k8s.io",
        "rolebindings.rbac.authorization.k8s.io",
        "clusterroles.rbac.authorization.k8s.io",
        "clusterrolebindings.rbac.authorization.k8s.io",
    }
)
"""Kinds that a PUT creates when they are absent."""

_GENERATION = frozenset(
    {
        "deployments.apps",
        "replicasets.apps",
        "statefulsets.apps",
        "daemonsets.apps",
        "replicationcontrollers",
        "jobs.batch",
        "cronjobs.batch",
        "pods",
        "poddisruptionbudgets.policy",
        "ingresses.networking.k8s.io",
        "ingressclasses.networking.k8s.io",
        "networkpolicies.networking.k8s.io",
        "endpointslices.discovery.k8s.io",
        "priorityclasses.scheduling.k8s.io",
        "customresourcedefinitions.apiextensions.k8s.io",
        "validatingwebhookconfigurations.admissionregistration.k8s.io",
        "mutatingwebhookconfigurations.admissionregistration.k8s.io",
    }
)
_OUTSIDE = ("metadata", "status", "kind", "apiVersion")


def reset_fields(resource: Resource, subresource: str) -> FieldSet:
    """Return the fields that a path of the API does not write, for the owners."""
    if subresource == "status":
        return FieldSet({"f:spec"})
    if resource.subresource("status") is not None and resource.qualified != "namespaces":
        return FieldSet({"f:status"})
    return FieldSet()


def has_generation(resource: Resource) -> bool:
    """Say whether objects of a kind count the changes of their wish."""
    return resource.custom or resource.qualified in _GENERATION


def prepare_create(core: Core, resource: Resource, obj: Obj) -> None:
    """Make a new object what its kind starts as, in place."""
    if has_generation(resource):
        obj["metadata"]["generation"] = 1
    if resource.subresource("status") is not None:
        obj.pop("status", None)
        fresh = normal(core.shape(resource), {}).get("status")
        if fresh is not None:
            obj["status"] = fresh
    special = kinds.CREATE.get(resource.qualified)
    if special is not None:
        special(core, obj)


def prepare_update(core: Core, resource: Resource, subresource: str, new: Obj, old: Obj) -> None:
    """Keep what this path may not change and count the generation, in place."""
    if subresource == "status":
        _status_update(resource, new, old)
        return
    if subresource in ("finalize", "approval"):
        _keep(new, old, "status")
        return
    if subresource == "ephemeralcontainers":
        guests = new["spec"].get("ephemeralContainers")
        new["spec"] = {**old["spec"], **({"ephemeralContainers": guests} if guests else {})}
    if subresource == "resize":
        new["spec"] = pods.resized(new["spec"], old["spec"])
    if resource.subresource("status") is not None:
        _keep(new, old, "status")
    special = kinds.UPDATE.get(resource.qualified)
    if special is not None:
        special(core, new, old)
    if has_generation(resource) and _wish_changed(resource, new, old):
        new["metadata"]["generation"] = old["metadata"].get("generation", 0) + 1


def _status_update(resource: Resource, new: Obj, old: Obj) -> None:
    for name in {**old, **new}:
        if name not in _OUTSIDE:
            _keep(new, old, name)
    meta, before = new["metadata"], old["metadata"]
    if resource.custom:
        kept = {"managedFields": meta.get("managedFields")}
        meta.clear()
        meta.update({k: v for k, v in before.items() if k != "managedFields"})
        if kept["managedFields"]:
            meta["managedFields"] = kept["managedFields"]
        return
    for name in ("ownerReferences", "finalizers"):
        meta.pop(name, None)
        if name in before:
            meta[name] = before[name]
    if resource.group == "apps" and "labels" in before:
        meta["labels"] = before["labels"]


def _keep(new: Obj, old: Obj, name: str) -> None:
    new.pop(name, None)
    if name in old:
        new[name] = old[name]


def _wish_changed(resource: Resource, new: Obj, old: Obj) -> bool:
    wish = {name: one for name, one in new.items() if name not in _OUTSIDE}
    before = {name: one for name, one in old.items() if name not in _OUTSIDE}
    if wish != before:
        return True
    if resource.qualified == "deployments.apps":
        return (new["metadata"].get("annotations") or {}) != (
            old["metadata"].get("annotations") or {}
        )
    return False


__all__ = [
    "CREATED_BY_UPDATE",
    "has_generation",
    "prepare_create",
    "prepare_update",
    "qos",
    "reset_fields",
]
