"""How much a pod asks for, over its whole life.

The scheduler and the quotas count by it. Init containers run one after the other before the others do,
sidecars from their turn to the end.
"""

from __future__ import annotations

from fractions import Fraction

from drydock.cluster.errors import Obj
from drydock.cluster.quantity import amount

Amounts = dict[str, Fraction]


def pod_amounts(spec: Obj, kind: str) -> Amounts:
    """Return the `requests` or `limits` of a pod: of its containers together, or of its largest moment."""
    sidecars: Amounts = {}
    largest: Amounts = {}
    for container in spec.get("initContainers") or ():
        own = _of(container, kind)
        if container.get("restartPolicy") == "Always":
            sidecars = _plus(sidecars, own)
            moment = sidecars
        else:
            moment = _plus(sidecars, own)
        largest = {name: max(largest.get(name, Fraction(0)), value) for name, value in
                   {**largest, **moment}.items()}  # fmt: skip
    running = sidecars
    for container in spec.get("containers") or ():
        running = _plus(running, _of(container, kind))
    names = {**largest, **running}
    total = {
        name: max(largest.get(name, Fraction(0)), running.get(name, Fraction(0))) for name in names
    }
    overhead = {name: amount(value) for name, value in (spec.get("overhead") or {}).items()}
    return _plus(total, overhead)


def _of(container: Obj, kind: str) -> Amounts:
    found = (container.get("resources") or {}).get(kind) or {}
    return {name: amount(value) for name, value in found.items()}


def _plus(one: Amounts, other: Amounts) -> Amounts:
    return {
        name: one.get(name, Fraction(0)) + other.get(name, Fraction(0)) for name in {**one, **other}
    }
