"""Metadata of every object: name, labels, annotations, owners, finalizers."""

from __future__ import annotations

from collections.abc import Callable

from drydock.cluster.errors import Cause, Obj
from drydock.cluster.resources import Resource
from drydock.cluster.validation import names
from drydock.cluster.validation.causes import forbidden, invalid, required, too_long

STANDARD_FINALIZERS = ("foregroundDeletion", "kubernetes", "orphan")
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
    return causes + check_owners(meta) + check_labels(meta, "metadata")


def check_update(obj: Obj, old: Obj) -> list[Cause]:
    """Return what is wrong with a change of metadata: who is on its way out gets no new finalizer."""
    if "deletionTimestamp" not in old["metadata"]:
        return []
    before, after = (set(one["metadata"].get("finalizers") or ()) for one in (old, obj))
    added = sorted(after - before)
    if not added:
        return []
    shown = ", ".join(f'"{one}"' for one in added)
    why = (
        "no new finalizers can be added if the object is being deleted, found new finalizers"
        f" []string{{{shown}}}"
    )
    return [forbidden("metadata.finalizers", why)]


def check_owners(meta: Obj) -> list[Cause]:
    """Return what is wrong with the references to owners."""
    path, causes, first = "metadata.ownerReferences", [], ""
    found = meta.get("ownerReferences") or []
    for one in found:
        for name, word in (
            ("apiVersion", "version"),
            ("kind", "kind"),
            ("name", "name"),
            ("uid", "uid"),
        ):
            if not one.get(name):
                causes.append(invalid(f"{path}.{name}", "", f"{word} must not be empty"))
        if (one.get("apiVersion"), one.get("kind")) == ("v1", "Event"):
            causes.append(invalid(path, one, "/v1, Kind=Event is disallowed from being an owner"))
        if one.get("controller"):
            name = f"{one.get('kind', '')}/{one.get('name', '')}"
            if first:
                why = (
                    'Only one reference can have Controller set to true. Found "true" in references'
                    f" for {first} and {name}"
                )
                causes.append(invalid(path, found, why))
            first = first or name
    return causes


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


def check_finalizers(meta: Obj) -> list[Cause]:
    """Return which finalizers of a new built-in object nobody would know how to work off."""
    return [
        invalid(
            f"metadata.finalizers[{at}]",
            key,
            "name is neither a standard finalizer name nor is it fully qualified",
        )
        for at, key in enumerate(meta.get("finalizers") or ())
        if "/" not in key and key not in STANDARD_FINALIZERS
    ]


def labels(found: Obj | None, path: str) -> list[Cause]:
    """Return what is wrong with a map of labels."""
    causes = []
    for key, value in (found or {}).items():
        causes += [invalid(path, key, why) for why in names.qualified_name(key)]
        causes += [invalid(path, value, why) for why in names.label_value(value)]
    return causes
