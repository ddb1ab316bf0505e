"""The plan: what to deliver where, as JSON from the pipelines. Version 1 of `docs/contracts.md`.

A saved plan is one that also holds the rendered objects; they are applied as they stand there.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from delivery.cluster import Obj
from delivery.errors import PlanError
from delivery.modes import (
    Chaos,
    ChaosKind,
    GitOps,
    Mode,
    Scope,
    read_chaos,
    read_mode,
    read_scope,
)
from delivery.order import check_order
from delivery.service import Service, only, read_service, text_of

__all__ = [
    "VERSION",
    "Action",
    "Chaos",
    "ChaosKind",
    "GitOps",
    "Mode",
    "Plan",
    "Scope",
    "Service",
    "by_set",
    "read_plan",
]

VERSION = 1
WHO, APPROVED_BY = "DELIVERY_WHO", "DELIVERY_APPROVED_BY"
"""The environment variables that name who delivers and who approved it, where the plan does not."""
KEYS = frozenset(
    {"version", "action", "environment", "namespace", "overlay", "url", "rollout_seconds"}
    | {"pull_secret", "revision", "services", "who", "reason", "approved_by", "prometheus"}
    | {"mode", "gitops", "chaos", "scope", "confirmed", "objects"}
)


class Action(StrEnum):
    """What to do."""

    DEPLOY = "deploy"
    ROLLBACK = "rollback"
    STATUS = "status"
    PROMOTE = "promote"
    ABORT = "abort"
    CLEANUP = "cleanup"
    HISTORY = "history"
    FREEZE = "freeze"
    UNFREEZE = "unfreeze"
    PREFLIGHT = "preflight"
    HEALTH = "health"
    CHAOS = "chaos"


@dataclass(frozen=True)
class Plan:
    """A whole delivery. `digest` is that of the plan's bytes.

    `who`, `reason` and `approved_by` are for the records. `url` is where users reach the environment,
    `prometheus` where its numbers are; both may be empty. `confirmed` says that whoever wrote the plan has
    seen what a clean-up of the environment deletes.
    """

    action: Action
    environment: str
    namespace: str
    overlay: Path
    rollout_seconds: int
    pull_secret: str | None
    revision: str
    services: tuple[Service, ...]
    who: str = "unknown"
    reason: str = ""
    digest: str = ""
    objects: tuple[Obj, ...] | None = None
    approved_by: str = ""
    url: str = ""
    prometheus: str = ""
    mode: Mode = Mode.APPLY
    gitops: GitOps | None = None
    chaos: Chaos = field(default_factory=Chaos)
    scope: Scope = Scope.EXPIRED
    confirmed: bool = False

    @property
    def after(self) -> dict[str, tuple[str, ...]]:
        """The order of the services."""
        return {service.name: service.after for service in self.services}


def read_plan(path: Path) -> Plan:
    """Read a plan; raise PlanError with the key that is wrong."""
    try:
        content = path.read_bytes()
        values = json.loads(content)
    except (OSError, ValueError) as error:
        raise PlanError(f"{path} is no plan: {error}") from error
    if not isinstance(values, dict) or values.get("version") != VERSION:
        raise PlanError(f"{path} is no plan of version {VERSION}")
    plan = _plan(values, "sha256:" + hashlib.sha256(content).hexdigest())
    if len(plan.after) < len(plan.services):
        raise PlanError("plan: two services have one name")
    check_order(plan.after)
    check_order(by_set(plan))
    if plan.action is Action.DEPLOY:
        for service in plan.services:
            if not service.digest.startswith("sha256:"):
                raise PlanError(f"plan: {service.name}: {service.image!r} is no image by digest")
    return plan


def by_set(plan: Plan) -> dict[str, tuple[str, ...]]:
    """Give the order of the release sets: what one of a set waits for, all of it wait for."""
    of = {
        each.name: f"set {each.release_set}" * bool(each.release_set) or each.name
        for each in plan.services
    }
    sets: dict[str, tuple[str, ...]] = {}
    for service in plan.services:
        name = of[service.name]
        others = [of[each] for each in service.after if of[each] != name]
        sets[name] = tuple(dict.fromkeys([*sets.get(name, ()), *others]))
    return sets


def _plan(values: dict[str, Any], digest: str) -> Plan:
    action = text_of(values, "action")
    if action not in list(Action):
        raise PlanError(f"plan: action {action!r} is not one of {', '.join(Action)}")
    only(values, KEYS, "plan")
    prometheus = text_of(values, "prometheus", "")
    mode, gitops = read_mode(values)
    scope, confirmed = read_scope(values)
    return Plan(
        action=Action(action),
        environment=text_of(values, "environment"),
        namespace=text_of(values, "namespace"),
        overlay=Path(text_of(values, "overlay")),
        rollout_seconds=_seconds(values),
        pull_secret=text_of(values, "pull_secret", "") or None,
        revision=text_of(values, "revision"),
        services=_services(values, prometheus),
        who=text_of(values, "who", "") or os.environ.get(WHO, "unknown"),
        reason=text_of(values, "reason", ""),
        digest=digest,
        objects=_objects(values),
        approved_by=text_of(values, "approved_by", "") or os.environ.get(APPROVED_BY, ""),
        url=text_of(values, "url", ""),
        prometheus=prometheus,
        mode=mode,
        gitops=gitops,
        chaos=read_chaos(values),
        scope=scope,
        confirmed=confirmed,
    )


def _seconds(values: Mapping[str, object]) -> int:
    seconds = values.get("rollout_seconds")
    if isinstance(seconds, bool) or not isinstance(seconds, int):
        raise PlanError(f"plan: rollout_seconds is {seconds!r}, not int")
    return seconds


def _services(values: Mapping[str, object], prometheus: str) -> tuple[Service, ...]:
    services = values.get("services")
    if not isinstance(services, list):
        raise PlanError(f"plan: services is {services!r}, not list")
    return tuple(read_service(each, prometheus) for each in services)


def _objects(values: Mapping[str, object]) -> tuple[Obj, ...] | None:
    """Read the rendered objects of a saved plan."""
    objects = values.get("objects")
    if objects is None:
        return None
    if not isinstance(objects, list) or not all(
        isinstance(each, dict) and {"kind", "metadata"} <= each.keys() for each in objects
    ):
        raise PlanError("plan: objects is no list of Kubernetes objects; save the plan anew")
    return tuple(objects)
