"""Metadata of every object: name, labels, annotations, owners, finalizers."""

from __future__ import annotations

from collections.abc import Callable

from drydock.cluster.errors import Cause, Obj
from drydock.cluster.resources import Resource
from drydock.cluster.validation import names
from drydock.cluster.validation.causes import invalid, required, too_long

_ANNOTATIONS = 256 * 1024
_NAMES: dict[str, Callable[[str], list[str]]] = {
    "services": names.object_label,
    "namespaces": names.object_label,
    "cronjobs.batch": names.dns_subdomain,
    "roles.rbac.authorization.k8s.io": names.path_segment,
    "clusterroles.rbac.authorization.k8s.io": names.path_segment,
    "rolebindings.rbac.authorization.k8s.io": names.path_segment,
    "clusterrolebindings.rbac.authorization.k8s.io": names.path_segment,
    "horizontalpodautoscalers.autoscaling": names.dns_subdomain,
}


def check(resource: Resource, obj: Obj) -> list[Cause]:
    """Return what is wrong with the metadata of an object."""
    meta = obj["metadata"]
    causes: list[Cause] = []
    name = meta.get("name") or ""
    if not name:
        causes.append(required("metadata.name", "name or generateName is required"))
    else:
        rule = _NAMES.get(resource.qualified, names.dns_subdomain)
        causes += [invalid("metadata.name", name, why) for why in rule(name)]
    return causes + check_labels(meta, "metadata")


def check_labels(meta: Obj, path: str) -> list[Cause]:
    """Return what is wrong with labels and annotations."""
    causes = labels(meta.get("labels"), f"{path}.labels")
    annotations = meta.get("annotations") or {}
    for key in annotations:
        field = f"{path}.annotations"
        causes += [invalid(field, key, why) for why in names.qualified_name(key.lower())]
    if sum(len(k.encode()) + len(v.encode()) for k, v in annotations.items()) > _ANNOTATIONS:
        causes.append(too_long(f"{path}.annotations", _ANNOTATIONS))
    for key in meta.get("finalizers") or ():
        field = f"{path}.finalizers"
        causes += [invalid(field, key, why) for why in names.qualified_name(key)]
    return causes


def labels(found: Obj | None, path: str) -> list[Cause]:
    """Return what is wrong with a map of labels."""
    causes = []
    for key, value in (found or {}).items():
        causes += [invalid(path, key, why) for why in names.qualified_name(key)]
        causes += [invalid(path, value, why) for why in names.label_value(value)]
    return causes
