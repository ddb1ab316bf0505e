"""Objects are made only in namespaces that exist and are not on their way out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drydock.cluster.errors import Group, forbidden, not_found

if TYPE_CHECKING:
    from drydock.cluster.errors import Obj
    from drydock.cluster.verbs.write import Write


def check(write: Write, obj: Obj) -> None:
    """Refuse a creation in an absent (404) or terminating (403) namespace."""
    namespace = write.target.namespace
    if not write.resource.namespaced or not namespace:
        return
    found = write.core.find("namespaces", "", namespace)
    if found is None:
        raise not_found(Group("namespaces"), namespace)
    if found["status"].get("phase") != "Terminating":
        return
    cause = {
        "reason": "NamespaceTerminating",
        "message": f"namespace {namespace} is being terminated",
        "field": "metadata.namespace",
    }
    name = obj["metadata"].get("name") or obj["metadata"].get("generateName") or ""
    raise forbidden(
        write.resource.about,
        name,
        f"unable to create new content in namespace {namespace} because it is being terminated",
        [cause],
    )
