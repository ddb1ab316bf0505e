"""ResourceQuotas: how much a namespace uses, and refusing what would be more.

Usage is counted from the stored objects every time, and `refresh` (called by the hooks) writes it into
the status of the quotas, so that it is never behind.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from drydock.cluster.errors import forbidden
from drydock.cluster.quantity import Quantity, amount, parse
from drydock.cluster.requests import pod_amounts
from drydock.cluster.store import Key
from drydock.cluster.strategy import qos

if TYPE_CHECKING:
    from drydock.cluster.core import Core
    from drydock.cluster.errors import Obj
    from drydock.cluster.verbs.write import Write

QUOTAS = "resourcequotas"
_PLAIN = {
    "secrets",
    "configmaps",
    "persistentvolumeclaims",
    "services",
    "replicationcontrollers",
    QUOTAS,
}
_ALIASES = {"cpu": "requests.cpu", "memory": "requests.memory"}
_COMPUTE = ("cpu", "memory", "ephemeral-storage")
_ASKED_FOR = ("cpu", "memory")
"""What every container has to state once a quota measures it; a real server asks for no more."""
_GROWING = {("services", ""), ("persistentvolumeclaims", ""), ("pods", "resize")}
"""Kinds that a change can make count for more, and the path of that change."""


def check(write: Write, obj: Obj, old: Obj | None) -> None:
    """Refuse a write that needs more than a quota leaves (403)."""
    qualified, namespace = write.resource.qualified, write.target.namespace
    quotas = write.core.store.all(QUOTAS, namespace) if namespace else []
    if not quotas or (old is not None and not _can_grow(write)):
        return
    for quota in quotas:
        if not in_scope(quota["spec"], qualified, obj):
            continue
        wanted = usage(qualified, obj)
        before = usage(qualified, old) if old is not None else {}
        hard = quota["spec"].get("hard") or {}
        name = quota["metadata"]["name"]
        if qualified == "pods":
            _all_named(write, obj, name, hard)
        used = _used(write.core, namespace, quota["spec"])
        more = {}
        for key in hard:
            needed = wanted.get(key, Fraction(0)) - before.get(key, Fraction(0))
            if needed > 0 and used[key] + needed > amount(hard[key]):
                more[key] = needed
        if more:
            keys = sorted(more)
            shown = [
                ",".join(f"{key}={_shown(hard[key], source[key])}" for key in keys)
                for source in (more, used)
            ]
            limited = ",".join(f"{key}={hard[key]}" for key in keys)
            text = (
                f"exceeded quota: {name}, requested: {shown[0]}, used: {shown[1]},"
                f" limited: {limited}"
            )
            raise forbidden(write.resource.about, _name(obj), text)


def _can_grow(write: Write) -> bool:
    return (write.resource.qualified, write.target.subresource) in _GROWING


def refresh(core: Core, namespace: str) -> None:
    """Write the present usage into the status of every quota of a namespace."""
    for quota in core.store.all(QUOTAS, namespace) if namespace else ():
        hard = quota["spec"].get("hard") or {}
        used = _used(core, namespace, quota["spec"])
        status = {
            "hard": hard,
            "used": {key: _shown(hard[key], value) for key, value in used.items()},
        }
        if quota.get("status") != status:
            key = Key(QUOTAS, namespace, quota["metadata"]["name"])
            core.store.replace(key, {**quota, "status": status})


def usage(qualified: str, obj: Obj) -> dict[str, Fraction]:
    """Return what one object counts for."""
    one = Fraction(1)
    made = {f"count/{qualified}": one}
    if qualified in _PLAIN:
        made[qualified] = one
    if qualified == "services":
        kind = obj["spec"].get("type")
        ports = [port for port in obj["spec"].get("ports") or () if port.get("nodePort")]
        made["services.nodeports"] = Fraction(len(ports)) if kind != "ClusterIP" else Fraction(0)
        made["services.loadbalancers"] = Fraction(int(kind == "LoadBalancer"))
    if qualified == "persistentvolumeclaims":
        resources = obj["spec"].get("resources") or {}
        size = (resources.get("requests") or {}).get("storage")
        made["requests.storage"] = amount(size) if size else Fraction(0)
    if qualified == "pods":
        if (obj.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
            return {f"count/{qualified}": one}
        made |= {"pods": one, **_compute(obj)}
    return made


def in_scope(spec: Obj, qualified: str, obj: Obj) -> bool:
    """Say whether a quota is about an object; one with scopes is about pods alone."""
    terms = [{"scopeName": name, "operator": "Exists"} for name in spec.get("scopes") or ()]
    terms += (spec.get("scopeSelector") or {}).get("matchExpressions") or []
    if not terms:
        return True
    return qualified == "pods" and all(_scoped(term, obj["spec"]) for term in terms)


def _scoped(term: Obj, spec: Obj) -> bool:
    name, operator = term["scopeName"], term.get("operator", "Exists")
    if name == "PriorityClass":
        held, values = spec.get("priorityClassName", ""), term.get("values") or ()
        found = {"In": held in values, "NotIn": held not in values, "DoesNotExist": not held}
        return found.get(operator, bool(held))
    ends = spec.get("activeDeadlineSeconds") is not None
    least = qos(spec) == "BestEffort"
    known = {
        "Terminating": ends,
        "NotTerminating": not ends,
        "BestEffort": least,
        "NotBestEffort": not least,
        "CrossNamespacePodAffinity": _crosses(spec),
    }
    return known.get(name, True)


def _crosses(spec: Obj) -> bool:
    """Say whether the affinity of a pod looks into other namespaces."""
    for kind in ("podAffinity", "podAntiAffinity"):
        found = (spec.get("affinity") or {}).get(kind) or {}
        terms = list(found.get("requiredDuringSchedulingIgnoredDuringExecution") or ())
        weighted = found.get("preferredDuringSchedulingIgnoredDuringExecution") or ()
        terms += [one["podAffinityTerm"] for one in weighted]
        if any(one.get("namespaces") or "namespaceSelector" in one for one in terms):
            return True
    return False


def _compute(pod: Obj) -> dict[str, Fraction]:
    made: dict[str, Fraction] = {}
    for kind in ("requests", "limits"):
        for name, value in pod_amounts(pod["spec"], kind).items():
            made[f"{kind}.{name}"] = value
            if kind == "requests" and name in _COMPUTE:
                made[name] = value
    return made


def _used(core: Core, namespace: str, spec: Obj) -> dict[str, Fraction]:
    total = {key: Fraction(0) for key in sorted(spec.get("hard") or {})}
    for resource in core.store.resources():
        for obj in core.store.all(resource, namespace):
            if not in_scope(spec, resource, obj):
                continue
            for key, value in usage(resource, obj).items():
                if key in total:
                    total[key] += value
    return total


def _all_named(write: Write, pod: Obj, quota: str, hard: Obj) -> None:
    """Insist that every container states what the quota measures."""
    missing: dict[str, set[str]] = {}
    spec = pod["spec"]
    for key in hard:
        kind, _, name = _ALIASES.get(key, key).partition(".")
        if kind not in ("requests", "limits") or name not in _ASKED_FOR:
            continue
        for container in (*spec["containers"], *(spec.get("initContainers") or ())):
            if name not in ((container.get("resources") or {}).get(kind) or {}):
                missing.setdefault(key, set()).add(container["name"])
    if missing:
        text = "; ".join(f"{key} for: {','.join(sorted(missing[key]))}" for key in sorted(missing))
        raise forbidden(
            write.resource.about, _name(pod), f"failed quota: {quota}: must specify {text}"
        )


def _shown(like: str, value: Fraction) -> str:
    return str(Quantity(value, parse(str(like)).family)) if value else "0"


def _name(obj: Obj) -> str:
    meta = obj["metadata"]
    return str(meta.get("name") or meta.get("generateName") or "")
