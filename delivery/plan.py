"""The plan: what to deliver where, as JSON from the pipelines. Version 1 of `docs/contracts.md`."""

import json
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from delivery.errors import PlanError
from delivery.order import check_order

VERSION = 1
T = TypeVar("T")


class Action(StrEnum):
    """What to do."""

    DEPLOY = "deploy"
    ROLLBACK = "rollback"
    STATUS = "status"


@dataclass(frozen=True)
class Service:
    """One service: its Deployment and Service have its name. `image` is a reference by digest.

    `after` names the services of the same plan that are rolled out before this one begins.
    """

    name: str
    image: str
    health: str
    version: str
    after: tuple[str, ...] = ()

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
    """A whole delivery."""

    action: Action
    environment: str
    namespace: str
    overlay: Path
    rollout_seconds: int
    pull_secret: str | None
    revision: str
    services: tuple[Service, ...]

    @property
    def after(self) -> dict[str, tuple[str, ...]]:
        """The order of the services."""
        return {service.name: service.after for service in self.services}


def read_plan(path: Path) -> Plan:
    """Read a plan; raise PlanError with the key that is wrong."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
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
        services=tuple(_service(service) for service in _value(values, "services", list)),
    )
    if len(plan.after) < len(plan.services):
        raise PlanError("plan: two services have one name")
    check_order(plan.after)
    if plan.action is Action.DEPLOY:
        for service in plan.services:
            if not service.digest.startswith("sha256:"):
                raise PlanError(f"plan: {service.name}: {service.image!r} is no image by digest")
    return plan


def _service(values: object) -> Service:
    if not isinstance(values, dict):
        raise PlanError("plan: services holds something that is no mapping")
    return Service(
        name=_value(values, "name", str),
        image=_value(values, "image", str),
        health=_value(values, "health", str),
        version=_value(values, "version", str),
        after=_names(values),
    )


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
