"""The plan: what to deliver where, as JSON from the pipelines. Version 1 of `docs/contracts.md`.

A saved plan is one that also holds the rendered objects; they are applied as they stand there.
"""

import hashlib
import json
import os
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from delivery.cluster import Obj
from delivery.errors import PlanError
from delivery.order import check_order
from delivery.strategy import (
    Checks,
    Options,
    Strategy,
    read_checks,
    read_options,
    read_strategy,
)

VERSION = 1
WHO = "DELIVERY_WHO"
"""The environment variable that names who delivers, where the plan does not."""
T = TypeVar("T")


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


@dataclass(frozen=True)
class Service:
    """One service: its Deployment and Service have its name. `image` is a reference by digest.

    `after` names the services of the same plan that are rolled out before this one begins. Services with
    the same `release_set` are switched together. `barrier` says why the version before cannot run after
    this one; empty when it can.
    """

    name: str
    image: str
    health: str
    version: str
    after: tuple[str, ...] = ()
    strategy: Strategy = Strategy.ROLLING
    options: Options = field(default_factory=Options)
    checks: Checks = field(default_factory=Checks)
    release_set: str = ""
    barrier: str = ""

    @property
    def repository(self) -> str:
        """The image's name without the digest."""
        return self.image.partition("@")[0]

    @property
    def digest(self) -> str:
        """The image's digest."""
        return self.image.partition("@")[2]


@dataclass(frozen=True)
class Plan:
    """A whole delivery. `digest` is that of the plan's bytes; `who` and `reason` are for the records."""

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
    action = _value(values, "action", str)
    if action not in list(Action):
        raise PlanError(f"plan: action {action!r} is not one of {', '.join(Action)}")
    plan = Plan(
        action=Action(action),
        environment=_value(values, "environment", str),
        namespace=_value(values, "namespace", str),
        overlay=Path(_value(values, "overlay", str)),
        rollout_seconds=_value(values, "rollout_seconds", int),
        pull_secret=_value(values, "pull_secret", str) if values.get("pull_secret") else None,
        revision=_value(values, "revision", str),
        services=tuple(
            _service(service, str(values.get("prometheus") or ""))
            for service in _value(values, "services", list)
        ),
        who=_text(values, "who") or os.environ.get(WHO, "unknown"),
        reason=_text(values, "reason"),
        digest="sha256:" + hashlib.sha256(content).hexdigest(),
        objects=_objects(values),
    )
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


def _service(values: object, prometheus: str) -> Service:
    if not isinstance(values, dict):
        raise PlanError("plan: services holds something that is no mapping")
    name = _value(values, "name", str)
    where = f"plan: {name}"
    service = Service(
        name=name,
        image=_value(values, "image", str),
        health=_value(values, "health", str),
        version=_value(values, "version", str),
        after=_names(values),
        strategy=read_strategy(values, where),
        options=read_options(values, where),
        checks=read_checks(values, where, prometheus),
        release_set=_text(values, "set"),
        barrier=_text(values, "barrier"),
    )
    if service.release_set and service.strategy is not Strategy.BLUE_GREEN:
        raise PlanError(
            f"{where}: set {service.release_set!r} needs strategy {Strategy.BLUE_GREEN}"
        )
    return service


def _objects(values: dict[str, Any]) -> tuple[Obj, ...] | None:
    """Read the rendered objects of a saved plan."""
    objects = values.get("objects")
    if objects is None:
        return None
    if not isinstance(objects, list) or not all(
        isinstance(each, dict) and {"kind", "metadata"} <= each.keys() for each in objects
    ):
        raise PlanError("plan: objects is no list of Kubernetes objects; save the plan anew")
    return tuple(objects)


def _text(values: dict[str, Any], key: str) -> str:
    return _value(values, key, str) if values.get(key) is not None else ""


def _names(values: dict[str, Any]) -> tuple[str, ...]:
    names = values.get("after", [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise PlanError(f"plan: after is {names!r}, not a list of names")
    return tuple(names)


def _value(values: dict[str, Any], key: str, kind: type[T]) -> T:
    value = values.get(key)
    if not isinstance(value, kind):
        raise PlanError(f"plan: {key} is {value!r}, not {kind.__name__}")
    return value
