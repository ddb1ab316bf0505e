"""A service of a plan: what shall run of it, how it is replaced, and what is asked about it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from delivery.errors import PlanError
from delivery.settings import Settings
from delivery.strategy import (
    Checks,
    Options,
    Strategy,
    read_checks,
    read_options,
    read_strategy,
)

KEYS = frozenset(
    {
        "name",
        "image",
        "health",
        "version",
        "after",
        "strategy",
        "blue_green",
        "gates",
        "probe",
        "slo",
    }
    | {"set", "barrier"}
)


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


def read_service(values: object, prometheus: str) -> Service:
    """Read one service; raise PlanError with its name and the key that is wrong."""
    if not isinstance(values, dict):
        raise PlanError("plan: services holds something that is no mapping")
    name = text_of(values, "name")
    where = f"plan: {name}"
    only(values, KEYS, where)
    service = Service(
        name=name,
        image=text_of(values, "image"),
        health=text_of(values, "health"),
        version=text_of(values, "version"),
        after=_names(values),
        strategy=read_strategy(values, where),
        options=read_options(values, where),
        checks=read_checks(values, where, prometheus),
        release_set=text_of(values, "set", ""),
        barrier=text_of(values, "barrier", ""),
    )
    if service.release_set and service.strategy is not Strategy.BLUE_GREEN:
        raise PlanError(
            f"{where}: set {service.release_set!r} needs strategy {Strategy.BLUE_GREEN}"
        )
    return service


def only(values: Mapping[str, object], keys: Iterable[str], where: str) -> None:
    """Refuse keys that nobody reads; raise PlanError with what is allowed."""
    given = Settings(dict(values), where)
    for key in keys:
        given.has(key)
    given.finish()


def text_of(values: Mapping[str, object], key: str, default: str | None = None) -> str:
    """Read a text, which may be empty; `default` stands for one that is absent."""
    value = default if values.get(key) is None and default is not None else values.get(key)
    if not isinstance(value, str):
        raise PlanError(f"plan: {key} is {value!r}, not str")
    return value


def _names(values: Mapping[str, object]) -> tuple[str, ...]:
    names = values.get("after", [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise PlanError(f"plan: after is {names!r}, not a list of names")
    return tuple(names)
