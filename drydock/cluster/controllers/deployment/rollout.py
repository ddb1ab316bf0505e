"""The arithmetic of a rolling update, free of objects and of time.

The Deployment controller calls it with the sizes it sees and does what it answers. Invariant: one
step never asks for more than `replicas + surge` pods, and never takes an available pod away when
that leaves fewer than `replicas - unavailable`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from drydock.cluster.errors import Obj


@dataclass(frozen=True)
class Size:
    """One ReplicaSet: what it is asked for, and how many of its pods it reports as available."""

    name: str
    replicas: int
    available: int = 0

    @property
    def lasting(self) -> int:
        """Return the available pods that are left once the set has its size.

        A set that has just been asked for less still reports the pods that are about to go.
        """
        return min(self.available, self.replicas)


@dataclass(frozen=True)
class Bounds:
    """How far a rolling update may leave the wanted number of replicas."""

    replicas: int
    surge: int
    unavailable: int

    @classmethod
    def of(cls, deployment: Obj) -> Bounds:
        """Read the bounds of a Deployment; both rounding to 0 makes 1 unavailable."""
        spec = deployment["spec"]
        replicas = int(spec.get("replicas", 1))
        strategy = spec.get("strategy") or {}
        if strategy.get("type", "RollingUpdate") != "RollingUpdate":
            return cls(replicas, 0, 0)
        rolling = strategy.get("rollingUpdate") or {}
        surge = scaled(rolling.get("maxSurge", "25%"), replicas, up=True)
        unavailable = scaled(rolling.get("maxUnavailable", "25%"), replicas, up=False)
        if surge == 0 and unavailable == 0:
            unavailable = 1
        return cls(replicas, surge, min(unavailable, replicas))

    @property
    def ceiling(self) -> int:
        """Return the most pods that may be asked for."""
        return self.replicas + self.surge

    @property
    def floor(self) -> int:
        """Return the fewest pods that have to stay available."""
        return self.replicas - self.unavailable


def scaled(value: int | str, total: int, *, up: bool) -> int:
    """Resolve a number or a percentage of `total`."""
    if isinstance(value, int):
        return value
    part = int(value.rstrip("%")) * total
    return -(-part // 100) if up else part // 100


def new_size(bounds: Bounds, new: int, total: int) -> int:
    """Return what the new ReplicaSet may be asked for, given the sum of all sizes."""
    if new >= bounds.replicas:
        return bounds.replicas
    room = bounds.ceiling - total
    return new + max(0, min(room, bounds.replicas - new))


def old_sizes(bounds: Bounds, new: Size, olds: Sequence[Size]) -> dict[str, int]:
    """Return the old ReplicaSets (oldest first) that shrink, by name.

    Pods that are not available go first, since they serve nobody; then as many available ones as
    the floor leaves over.
    """
    total = new.replicas + sum(old.replicas for old in olds)
    room = total - bounds.floor - (new.replicas - new.lasting)
    if room <= 0:
        return {}
    sizes = {old.name: old.replicas for old in olds}
    for old in olds:
        unavailable = old.replicas - old.lasting
        taken = min(unavailable, room)
        sizes[old.name] -= taken
        room -= taken
    spare = new.lasting + sum(old.lasting for old in olds) - bounds.floor
    for old in olds:
        taken = min(sizes[old.name], max(0, spare))
        sizes[old.name] -= taken
        spare -= taken
    return {old.name: sizes[old.name] for old in olds if sizes[old.name] != old.replicas}


def shares(bounds: Bounds, sets: Iterable[tuple[Size, int]]) -> dict[str, int]:
    """Share a change of `replicas` among the ReplicaSets of a rollout that is under way.

    `sets` are the active ReplicaSets in the order in which they take what rounding leaves over,
    each with the ceiling for which its present size was chosen. Returns every size by name.
    """
    rows = list(sets)
    allowed = bounds.ceiling if bounds.replicas > 0 else 0
    change = allowed - sum(size.replicas for size, _ in rows)
    sizes, given = {}, 0
    for size, before in rows:
        part = _share(bounds, size, before, change - given) if change else 0
        given += part
        sizes[size.name] = size.replicas + part
    left = change - given
    for name in sizes:  # the first takes it all, unless it would have to go below zero
        part = max(left, -sizes[name])
        sizes[name] += part
        left -= part
    return sizes


def _share(bounds: Bounds, size: Size, before: int, left: int) -> int:
    if size.replicas == 0 or left == 0:
        return 0
    if bounds.replicas == 0:
        fair = -size.replicas
    else:
        exact = size.replicas * bounds.ceiling / max(1, before)
        fair = math.floor(exact + 0.5) - size.replicas
    return min(fair, left) if left > 0 else max(fair, left)
