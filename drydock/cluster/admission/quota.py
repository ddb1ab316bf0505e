"""ResourceQuotas: how much a namespace uses, and refusing what would be more.

Usage is counted from the stored objects every time, and `refresh` (called by the hooks) writes it into
the status of the quotas, so that it is never behind.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from drydock.cluster.errors import forbidden
from drydock.cluster.quantity import Quantity, amount, parse
from drydock.cluster.store import Key

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


def check(write: Write, obj: Obj, old: Obj | None) -> None:
    """Refuse a write that needs more than a quota leaves (403)."""
    qualified, namespace = write.resource.qualified, write.target.namespace
    quotas = write.core.store.all(QUOTAS, namespace) if namespace else []
    if not quotas or (old is not None and qualified != "services"):
        return
    wanted = usage(qualified, obj)
    before = usage(qualified, old) if old is not None else {}
    for quota in quotas:
        hard = quota["spec"].get("hard") or {}
        name = quota["metadata"]["name"]
        if qualified == "pods":
            _all_named(write, obj, name, hard)
        used = _used(write.core, namespace, hard)
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


def refresh(core: Core, namespace: str) -> None:
    """Write the present usage into the status of every quota of a namespace."""
    for quota in core.store.all(QUOTAS, namespace) if namespace else ():
        hard = quota["spec"].get("hard") or {}
        used = _used(core, namespace, hard)
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


def _compute(pod: Obj) -> dict[str, Fraction]:
    made: dict[str, Fraction] = {}
    for container in pod["spec"].get("containers") or ():
        resources = container.get("resources") or {}
        for kind in ("requests", "limits"):
            for name, value in (resources.get(kind) or {}).items():
                keys = [f"{kind}.{name}"]
                if kind == "requests" and name in _COMPUTE:
                    keys.append(name)
                for key in keys:
                    made[key] = made.get(key, Fraction(0)) + amount(value)
    return made


def _used(core: Core, namespace: str, hard: Obj) -> dict[str, Fraction]:
    total = {key: Fraction(0) for key in sorted(hard)}
    for resource in core.store.resources():
        for obj in core.store.all(resource, namespace):
            for key, value in usage(resource, obj).items():
                if key in total:
                    total[key] += value
    return total


def _all_named(write: Write, pod: Obj, quota: str, hard: Obj) -> None:
    """Insist that every container states what the quota measures."""
    missing: dict[str, list[str]] = {}
    for key in hard:
        kind, _, name = _ALIASES.get(key, key).partition(".")
        if kind not in ("requests", "limits") or name not in _COMPUTE:
            continue
        for container in pod["spec"]["containers"]:
            if name not in ((container.get("resources") or {}).get(kind) or {}):
                missing.setdefault(key, []).append(container["name"])
    if missing:
        text = "; ".join(f"{key} for: {','.join(missing[key])}" for key in sorted(missing))
        raise forbidden(
            write.resource.about, _name(pod), f"failed quota: {quota}: must specify {text}"
        )


def _shown(like: str, value: Fraction) -> str:
    return str(Quantity(value, parse(str(like)).family)) if value else "0"


def _name(obj: Obj) -> str:
    meta = obj["metadata"]
    return str(meta.get("name") or meta.get("generateName") or "")
