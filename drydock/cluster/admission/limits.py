"""LimitRanges: defaults for containers, and bounds for containers and pods."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drydock.cluster.errors import forbidden
from drydock.cluster.quantity import Quantity, amount
from drydock.cluster.requests import pod_amounts

if TYPE_CHECKING:
    from drydock.cluster.errors import Obj
    from drydock.cluster.verbs.write import Write

_NOTE = "kubernetes.io/limit-ranger"


def fill_in(write: Write, pod: Obj) -> None:
    """Give containers the default requests and limits of the namespace, in place."""
    limits: Obj = {}
    requests: Obj = {}
    for one in write.core.store.all("limitranges", write.target.namespace):
        for item in one["spec"].get("limits") or ():
            if item.get("type") == "Container":
                limits |= item.get("default") or {}
                requests |= item.get("defaultRequest") or {}
    if not limits and not requests:
        return
    notes: list[str] = []
    spec = pod["spec"]
    for word, found in (("", spec.get("containers")), ("init ", spec.get("initContainers"))):
        for container in found or ():
            name = f"{word}container {container['name']}"
            resources = container["resources"]
            for kind, defaults in (("requests", requests), ("limits", limits)):
                mine = resources.get(kind) or {}
                added = sorted(set(defaults) - set(mine))
                if added:
                    resources[kind] = {**mine, **{key: defaults[key] for key in added}}
                    notes.append(f"{', '.join(added)} {kind[:-1]} for {name}")
    if notes:
        annotations = pod["metadata"].setdefault("annotations", {})
        annotations[_NOTE] = "LimitRanger plugin set: " + "; ".join(notes)


def check(write: Write, pod: Obj) -> None:
    """Refuse a pod outside of the bounds of its namespace (403)."""
    wrong: list[str] = []
    for one in write.core.store.all("limitranges", write.target.namespace):
        for item in one["spec"].get("limits") or ():
            if item.get("type") == "Container":
                for container in _containers(pod):
                    wrong += _violations(item, container.get("resources") or {})
            elif item.get("type") == "Pod":
                wrong += _violations(item, _together(pod["spec"]))
    _raise(write, pod, wrong)


def check_claim(write: Write, claim: Obj) -> None:
    """Refuse a claim that is smaller or larger than its namespace allows (403)."""
    size = ((claim["spec"].get("resources") or {}).get("requests") or {}).get("storage")
    wrong: list[str] = []
    for one in write.core.store.all("limitranges", write.target.namespace):
        for item in one["spec"].get("limits") or ():
            if item.get("type") != "PersistentVolumeClaim" or size is None:
                continue
            least, most = ((item.get(bound) or {}).get("storage") for bound in ("min", "max"))
            for bound, word, out in (
                (least, "minimum", least is not None and amount(size) < amount(least)),
                (most, "maximum", most is not None and amount(size) > amount(most)),
            ):
                if out:
                    usage = f"{word} storage usage per PersistentVolumeClaim is {bound}"
                    wrong.append(f"{usage}, but request is {size}")
    _raise(write, claim, wrong)


def _raise(write: Write, obj: Obj, wrong: list[str]) -> None:
    if wrong:
        text = wrong[0] if len(wrong) == 1 else f"[{', '.join(wrong)}]"
        raise forbidden(write.resource.about, obj["metadata"].get("name", ""), text)


def _containers(pod: Obj) -> list[Obj]:
    return [*pod["spec"]["containers"], *(pod["spec"].get("initContainers") or ())]


def _violations(item: Obj, resources: Obj) -> list[str]:
    kind = item["type"]
    requests, limits = resources.get("requests") or {}, resources.get("limits") or {}
    wrong: list[str] = []
    for name, least in (item.get("min") or {}).items():
        request, limit = requests.get(name), limits.get(name)
        text = f"minimum {name} usage per {kind} is {least}"
        if request is None:
            wrong.append(f"{text}.  No request is specified")
        elif amount(request) < amount(least):
            wrong.append(f"{text}, but request is {request}")
        elif limit is not None and amount(limit) < amount(least):
            wrong.append(f"{text}, but limit is {limit}")
    for name, most in (item.get("max") or {}).items():
        request, limit = requests.get(name), limits.get(name)
        text = f"maximum {name} usage per {kind} is {most}"
        if limit is None:
            wrong.append(f"{text}.  No limit is specified")
        elif amount(limit) > amount(most):
            wrong.append(f"{text}, but limit is {limit}")
        elif request is not None and amount(request) > amount(most):
            wrong.append(f"{text}, but request is {request}")
    for name, ratio in (item.get("maxLimitRequestRatio") or {}).items():
        request, limit = requests.get(name), limits.get(name)
        text = f"{name} max limit to request ratio per {kind} is {ratio}"
        if request is None or not amount(request):
            wrong.append(f"{text}, but no request is specified or request is 0")
        elif limit is None or not amount(limit):
            wrong.append(f"{text}, but no limit is specified or limit is 0")
        elif amount(limit) / amount(request) > amount(ratio):
            given = float(amount(limit) / amount(request))
            wrong.append(f"{text}, but provided ratio is {given:.6f}")
    return wrong


def _together(spec: Obj) -> Obj:
    """Return what a pod asks for at its largest moment, as resources."""
    return {
        kind: {
            name: str(Quantity(value, "decimal")) for name, value in pod_amounts(spec, kind).items()
        }
        for kind in ("requests", "limits")
    }
