"""How a new version of a service replaces the old one, as the plan says it."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum

from delivery.errors import PlanError


class Strategy(StrEnum):
    """The strategies."""

    ROLLING = "rolling"
    BLUE_GREEN = "blue-green"


class Promote(StrEnum):
    """Who decides about the switch: the gates alone, or somebody after them."""

    AUTO = "auto"
    MANUAL = "manual"


@dataclass(frozen=True)
class Options:
    """Options of blue-green, in seconds.

    `watch_seconds`: how long the live gates are asked after the switch. `standby_seconds`: how long the
    release before stays at work. `preview_seconds`: how long a release may wait for its promotion.
    """

    watch_seconds: int = 30
    standby_seconds: int = 900
    preview_seconds: int = 3600
    promote: Promote = Promote.AUTO


def read_strategy(values: Mapping[str, object], where: str) -> Strategy:
    """Read `strategy` of a service; raise PlanError with what is allowed."""
    value = values.get("strategy", Strategy.ROLLING)
    if value not in list(Strategy):
        raise PlanError(f"{where}: strategy {value!r} is not one of {', '.join(Strategy)}")
    return Strategy(str(value))


def read_options(values: Mapping[str, object], where: str) -> Options:
    """Read `blue_green` of a service; raise PlanError with the key and what is allowed."""
    given = values.get("blue_green", {})
    if not isinstance(given, dict):
        raise PlanError(f"{where}: blue_green is {given!r}, not a mapping")
    known = [each.name for each in fields(Options)]
    for key, value in given.items():
        if key not in known:
            raise PlanError(f"{where}: blue_green.{key} is not one of {', '.join(known)}")
        if key == "promote":
            if value not in list(Promote):
                told = f"{where}: blue_green.promote {value!r} is not one of {', '.join(Promote)}"
                raise PlanError(told)
        elif not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise PlanError(f"{where}: blue_green.{key} is {value!r}, not a number of seconds")
    return Options(**{**given, "promote": Promote(given.get("promote", Promote.AUTO))})
