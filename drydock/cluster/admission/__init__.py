"""Checks and changes that depend on other objects than the one that is written.

`admit` may change a new object before its kind prepares it; `validate_admission` sees the final one.
The order is that of a real server: namespace, limit ranges, service account, priority,
tolerations; then pod security and quota.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from drydock.cluster.access import escalation
from drydock.cluster.admission import (
    accounts,
    claims,
    lifecycle,
    limits,
    quota,
    scheduling,
    security,
)

if TYPE_CHECKING:
    from drydock.cluster.errors import Obj
    from drydock.cluster.verbs.write import Write


_ASIDE = {"status", "scale", "finalize", "approval"}
"""Paths that leave alone what these rules are about; a container can come by any other."""


def admit(write: Write, obj: Obj) -> None:
    """Change a new object by the rules of its namespace, in place; raises ApiError."""
    lifecycle.check(write, obj)
    if write.resource.qualified == "pods":
        limits.fill_in(write, obj)
        accounts.assign(write, obj)
        scheduling.assign(write, obj)
    if write.resource.qualified == "persistentvolumeclaims":
        claims.assign(write, obj)
    escalation.check(write, obj, None)


def admit_change(write: Write, obj: Obj, old: Obj) -> None:
    """Refuse a change by the rights of its author, before it is looked at; raises ApiError."""
    escalation.check(write, obj, old)


def validate_admission(write: Write, obj: Obj, old: Obj | None) -> None:
    """Refuse an object by the rules of its namespace."""
    part = write.target.subresource
    if part in _ASIDE:
        return
    if write.resource.qualified == "pods" and (old is None or part == "resize"):
        limits.check(write, obj)
    if write.resource.qualified == "persistentvolumeclaims":
        limits.check_claim(write, obj)
    if write.resource.qualified == "priorityclasses.scheduling.k8s.io":
        scheduling.only_default(write, obj)
    security.check(write, obj, old)
    quota.check(write, obj, old)
