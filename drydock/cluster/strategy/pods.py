"""What the API makes of a pod: its class of service, its first status, its neighbours by label.

Pure. `kinds` and the parts of the package call it; `qos` is asked by quotas too.
"""

from __future__ import annotations

from collections.abc import Iterator

from drydock.cluster.errors import Obj
from drydock.cluster.quantity import amount


def begin(obj: Obj) -> None:
    """Make a new pod pending, in place."""
    _join_label_keys(obj)
    obj["status"] = {"phase": "Pending", "qosClass": qos(obj["spec"])}
    if obj["spec"].get("schedulingGates"):
        obj["status"]["conditions"] = [
            {
                "type": "PodScheduled",
                "status": "False",
                "lastProbeTime": None,
                "lastTransitionTime": None,
                "reason": "SchedulingGated",
                "message": "Scheduling is blocked due to non-empty scheduling gates",
                "observedGeneration": 1,
            }
        ]


def qos(spec: Obj) -> str:
    """Return the quality of service class of a pod."""
    containers = [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]
    asked = [
        (kind, name, amount(value))
        for c in containers
        for kind in ("requests", "limits")
        for name, value in ((c.get("resources") or {}).get(kind) or {}).items()
        if name in ("cpu", "memory") and amount(value)
    ]
    if not asked:
        return "BestEffort"
    for c in containers:
        resources = c.get("resources") or {}
        limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
        for name in ("cpu", "memory"):
            if name not in limits or requests.get(name, limits[name]) != limits[name]:
                return "Burstable"
    return "Guaranteed"


def resized(new: Obj, old: Obj) -> Obj:
    """Return a pod's spec with the resources that were asked for, and nothing else that is new."""
    made = dict(old)
    for kind in ("initContainers", "containers"):
        wanted = {one["name"]: one.get("resources") for one in new.get(kind) or ()}
        if kind in old:
            made[kind] = [
                {**one, "resources": wanted[one["name"]]} if wanted.get(one["name"]) else one
                for one in old[kind]
            ]
    return made


def _join_label_keys(obj: Obj) -> None:
    """Write the values of `matchLabelKeys` into the selectors they narrow, in place.

    A pod is compared with those that share its values: a new revision does not count the old one's pods.
    """
    labels = obj["metadata"].get("labels") or {}
    for term in _terms(obj["spec"]):
        selector = term.get("labelSelector")
        if selector is None:
            continue
        more = [
            {"key": key, "operator": operator, "values": [labels[key]]}
            for field, operator in (("matchLabelKeys", "In"), ("mismatchLabelKeys", "NotIn"))
            for key in term.get(field) or ()
            if key in labels
        ]
        if more:
            held = selector.get("matchExpressions") or []
            term["labelSelector"] = {**selector, "matchExpressions": [*held, *more]}


def _terms(spec: Obj) -> Iterator[Obj]:
    yield from spec.get("topologySpreadConstraints") or ()
    for kind in ("podAffinity", "podAntiAffinity"):
        found = (spec.get("affinity") or {}).get(kind) or {}
        yield from found.get("requiredDuringSchedulingIgnoredDuringExecution") or ()
        for one in found.get("preferredDuringSchedulingIgnoredDuringExecution") or ():
            yield one["podAffinityTerm"]
