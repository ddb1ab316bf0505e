"""What values a server refuses, in its own words.

`validate_create` and `validate_update` return the causes of a 422 in the order of a real server.
`metadata` checks every object; one module per family of kinds checks the rest.
"""

from __future__ import annotations

from drydock.cluster.core import Core
from drydock.cluster.custom.definitions import scale_paths
from drydock.cluster.custom.validation import check as check_custom
from drydock.cluster.errors import Cause, Obj
from drydock.cluster.resources import Resource
from drydock.cluster.validation import (
    config,
    metadata,
    network,
    network_policy,
    pods,
    policy,
    storage,
    workloads,
)
from drydock.cluster.validation.registry import KINDS, UPDATES

_CHECKED_WHOLE = {"configmaps", "secrets", "services"}
"""Kinds whose changes are checked like creations, names of finalizers included."""


def validate_create(core: Core, resource: Resource, obj: Obj) -> list[Cause]:
    """Return what is wrong with a new object."""
    causes = metadata.check(resource, obj)
    if not resource.custom:
        causes += metadata.check_finalizers(obj["metadata"])
    rule = KINDS.get(resource.qualified)
    if rule is not None:
        causes += rule(obj)
    if resource.custom:
        causes += _custom(core, resource, obj)
    return causes


def validate_update(
    core: Core, resource: Resource, obj: Obj, old: Obj, subresource: str
) -> list[Cause]:
    """Return what is wrong with a new state of an object."""
    causes = metadata.check(resource, obj) + metadata.check_update(obj, old)
    if resource.qualified in _CHECKED_WHOLE:
        causes += metadata.check_finalizers(obj["metadata"])
    if subresource in ("", "scale"):
        rule = KINDS.get(resource.qualified)
        if rule is not None and resource.qualified != "pods":
            causes += rule(obj)
        update = UPDATES.get(resource.qualified)
        if update is not None:
            causes += update(obj, old)
    if subresource == "resize":
        causes += pods.resized(obj)
    if resource.custom:
        causes += _custom(core, resource, obj, old)
    return causes


def _custom(core: Core, resource: Resource, obj: Obj, old: Obj | None = None) -> list[Cause]:
    scales = resource.subresource("scale") is not None
    path = scale_paths(core, resource)[0] if scales else ""
    return check_custom(core.shape(resource), obj, path, old)


__all__ = [
    "config",
    "network",
    "network_policy",
    "pods",
    "policy",
    "storage",
    "validate_create",
    "validate_update",
    "workloads",
]
