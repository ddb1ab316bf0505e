"""Who in a pod sets a field, and how a real server lists them.

Pure. `baseline` and `restricted` word their findings with it: the pod itself, and its containers of
every kind in the order of a server (those that run first come first).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from drydock.cluster.errors import Obj

Check = Callable[[Obj], str]
"""From the spec of a pod to a reason with its details; empty when nothing is wrong."""


def containers(spec: Obj) -> list[Obj]:
    """Return all containers of a pod."""
    kinds = ("initContainers", "containers", "ephemeralContainers")
    return [one for kind in kinds for one in spec.get(kind) or ()]


def context(holder: Obj) -> Obj:
    """Return the security context of a pod or a container."""
    return dict(holder.get("securityContext") or {})


def named(spec: Obj, wrong: Callable[[Obj], bool]) -> list[str]:
    """Return the names of the containers whose security context is wrong."""
    return [one["name"] for one in containers(spec) if wrong(context(one))]


def quoted(texts: Iterable[str]) -> str:
    """Return texts in quotes, as a list."""
    return ", ".join(f'"{text}"' for text in texts)


def listed(names: list[str]) -> str:
    """Return containers by their names."""
    return f"container{'' if len(names) == 1 else 's'} {quoted(names)}"


def must(names: list[str]) -> str:
    """Begin what containers have to do."""
    return f"{listed(names)} must"


def setters(names: list[str], *, pod: bool) -> str:
    """Return who sets something wrong: the pod, containers, or both; empty for nobody."""
    return " and ".join([*(["pod"] if pod else []), *([listed(names)] if names else [])])


def has_own_users(spec: Obj) -> bool:
    """Say whether a pod asks for a user namespace of its own, in which root is nobody outside."""
    return spec.get("hostUsers") is False
