"""What every controller reads off an object: its key, times, owners, labels and conditions.

Called by all controllers, the kubelet, the proxy and the ingress. Objects are plain dicts as in
JSON; nothing here changes the object it is given, except where the name says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from drydock.cluster.errors import Obj

Key = tuple[str, str]
"""Namespace (empty for cluster-scoped objects) and name."""


def key_of(obj: Obj) -> Key:
    """Return the namespace and name of an object."""
    meta = obj["metadata"]
    return meta.get("namespace") or "", meta["name"]


def uid_of(obj: Obj) -> str:
    """Return the uid, empty for an object that was never stored."""
    return str(obj["metadata"].get("uid", ""))


def version_of(obj: Obj) -> int:
    """Return the resource version as a number; versions of one store are comparable."""
    return int(obj["metadata"].get("resourceVersion") or 0)


def kind_of(obj: Obj) -> str:
    """Return the kind as `Client` names it: "apps/v1/Deployment", "v1/Pod"."""
    return f"{obj['apiVersion']}/{obj['kind']}"


def labels_of(obj: Obj) -> Mapping[str, str]:
    """Return the labels, empty when there are none."""
    return obj["metadata"].get("labels") or {}


def annotations_of(obj: Obj) -> Mapping[str, str]:
    """Return the annotations, empty when there are none."""
    return obj["metadata"].get("annotations") or {}


def is_deleting(obj: Obj) -> bool:
    """Tell whether the object's deletion was asked for."""
    return bool(obj["metadata"].get("deletionTimestamp"))


def now() -> datetime:
    """Return the present moment in UTC."""
    return datetime.now(UTC)


def stamp(moment: datetime | None = None) -> str:
    """Write a moment in whole seconds, as most API fields want it."""
    return (moment or now()).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def micro_stamp(moment: datetime | None = None) -> str:
    """Write a moment with six digits of fraction, as Leases and event times want it."""
    return (moment or now()).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def moment_of(text: str | None) -> datetime:
    """Read a time of the API; an absent one is the beginning of time."""
    if not text:
        return datetime.min.replace(tzinfo=UTC)
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def created(obj: Obj) -> datetime:
    """Return the creation time."""
    return moment_of(obj["metadata"].get("creationTimestamp"))


def seconds_until(moment: datetime, *, at: datetime | None = None) -> float:
    """Return the seconds from now (or `at`) to a moment; negative when it has passed."""
    return (moment - (at or now())) / timedelta(seconds=1)


def controller_of(obj: Obj) -> Obj | None:
    """Return the owner reference that manages the object, if one does."""
    for reference in obj["metadata"].get("ownerReferences") or []:
        if reference.get("controller"):
            return dict(reference)
    return None


def is_controlled_by(obj: Obj, owner: Obj) -> bool:
    """Tell whether `owner` is the managing owner of the object."""
    reference = controller_of(obj)
    return reference is not None and reference["uid"] == uid_of(owner)


def owner_reference(owner: Obj, api_version: str, kind: str) -> Obj:
    """Build the reference that makes `owner` the managing owner."""
    return {
        "apiVersion": api_version,
        "kind": kind,
        "name": owner["metadata"]["name"],
        "uid": uid_of(owner),
        "controller": True,
        "blockOwnerDeletion": True,
    }


def selects(selector: Obj | None, labels: Mapping[str, str]) -> bool:
    """Tell whether a label selector (matchLabels, matchExpressions) takes these labels.

    An empty selector takes everything, an absent one nothing.
    """
    if selector is None:
        return False
    wanted = selector.get("matchLabels") or {}
    if any(labels.get(name) != value for name, value in wanted.items()):
        return False
    return all(_expression(rule, labels) for rule in selector.get("matchExpressions") or [])


def _expression(rule: Obj, labels: Mapping[str, str]) -> bool:
    present, values = rule["key"] in labels, rule.get("values") or []
    match rule["operator"]:
        case "In":
            return present and labels[rule["key"]] in values
        case "NotIn":
            return not present or labels[rule["key"]] not in values
        case "Exists":
            return present
        case _:
            return not present


def condition_of(status: Obj, kind: str) -> Obj | None:
    """Return the condition of this type, if the status has one."""
    for condition in status.get("conditions") or []:
        if condition["type"] == kind:
            return dict(condition)
    return None


def without_condition(conditions: Iterable[Obj], kind: str) -> list[Obj]:
    """Return the conditions but for those of this type."""
    return [condition for condition in conditions if condition["type"] != kind]


def compact(fields: Obj) -> Obj:
    """Drop zeros, empty texts and absent values, as the API leaves them out of a status."""
    return {name: value for name, value in fields.items() if value not in (0, None, "", [])}
