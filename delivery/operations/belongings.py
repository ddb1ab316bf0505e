"""Whose an object is: made by deliveries, or by somebody else. Pure.

Told by the API server's own books (`managedFields`) and not by names, but for the three kinds of objects
in which deliveries keep their own state. Whenever there is doubt it is somebody else's: an object that
another manager made or applies too is not ours to delete, nor is one that a controller owns.
"""

from collections.abc import Iterable

from delivery import freeze, history, lease
from delivery.bluegreen.writer import SWITCHER
from delivery.cluster import Obj
from delivery.ownership import MANAGER

OF_THE_CLUSTER = frozenset({("ServiceAccount", "default"), ("ConfigMap", "kube-root-ca.crt")})
"""What every namespace has, and gets again."""
MANAGED_BY = "app.kubernetes.io/managed-by"
ABOUT = frozenset({"f:metadata", "f:status"})


def is_ours(kind: str, obj: Obj) -> bool:
    """Tell whether deliveries made an object."""
    metadata = obj["metadata"]
    if (kind, metadata["name"]) in OF_THE_CLUSTER or _is_owned(metadata):
        return False
    return is_state(kind, obj) or (_is_written_by_us(metadata) and not others(obj))


def is_state(kind: str, obj: Obj) -> bool:
    """Tell whether deliveries keep their own state in an object: locks, history, freeze."""
    metadata = obj["metadata"]
    name = metadata["name"]
    if kind == "Lease":
        return is_lock(name)
    ours = (metadata.get("labels") or {}).get(MANAGED_BY) == MANAGER
    named = name == freeze.NAME or name.startswith(history.PREFIX)
    return kind == "ConfigMap" and ours and bool(named)


def is_lock(name: str) -> bool:
    """Tell whether a Lease of that name is a delivery's lock."""
    return name == lease.NAME or name.startswith(lease.name_of(""))


def others(obj: Obj) -> list[str]:
    """Name those besides deliveries who made an object or apply it."""
    metadata = obj["metadata"]
    born = metadata.get("creationTimestamp")
    found = []
    for entry in _entries(metadata):
        if entry["manager"] in (MANAGER, SWITCHER) or entry.get("subresource"):
            continue
        applies = entry["operation"] == "Apply"
        made = entry.get("time") == born and (entry.get("fieldsV1") or {}).keys() - ABOUT
        if applies or bool(made):
            found.append(entry["manager"])
    return found


def is_shared(kind: str, obj: Obj) -> bool:
    """Tell whether deliveries write an object that is not theirs alone, so that it is told and left."""
    metadata = obj["metadata"]
    if (kind, metadata["name"]) in OF_THE_CLUSTER or _is_owned(metadata):
        return False
    return _is_written_by_us(metadata) and bool(others(obj))


def _is_written_by_us(metadata: Obj) -> bool:
    """Tell whether a delivery applies an object, or made it as one of the colours."""
    for entry in _entries(metadata):
        applied = (entry["manager"], entry["operation"]) == (MANAGER, "Apply")
        painted = entry["manager"] == SWITCHER and "f:spec" in (entry.get("fieldsV1") or {})
        if applied or painted:
            return True
    return False


def _is_owned(metadata: Obj) -> bool:
    return any(each.get("controller") for each in metadata.get("ownerReferences") or ())


def _entries(metadata: Obj) -> Iterable[Obj]:
    return metadata.get("managedFields") or ()
