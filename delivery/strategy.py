"""How a new version of a service replaces the old one, as the plan says it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from delivery.errors import PlanError
from delivery.gate import Gate
from delivery.gates import read_gates
from delivery.prober import MOST_RATE
from delivery.settings import Settings
from delivery.slo import read_slo

DAY = 86400
OWN_GATES = ("health", "pods")
"""Gates that are always asked; none of the plan may have their names."""


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


@dataclass(frozen=True)
class Checks:
    """What is asked about a release: gates by stage, and the prober's rate (requests a second) and path."""

    preview: tuple[Gate, ...] = ()
    live: tuple[Gate, ...] = ()
    rate: float = 0.0
    path: str = ""


def read_strategy(values: Mapping[str, object], where: str) -> Strategy:
    """Read `strategy` of a service; raise PlanError with what is allowed."""
    value = values.get("strategy", Strategy.ROLLING)
    if value not in list(Strategy):
        raise PlanError(f"{where}: strategy {value!r} is not one of {', '.join(Strategy)}")
    return Strategy(str(value))


def read_options(values: Mapping[str, object], where: str) -> Options:
    """Read `blue_green` of a service; raise PlanError with the key and what is allowed."""
    given, default = Settings(values.get("blue_green") or {}, f"{where}.blue_green"), Options()
    options = Options(
        watch_seconds=given.whole("watch_seconds", default.watch_seconds, low=0, high=DAY),
        standby_seconds=given.whole(
            "standby_seconds", default.standby_seconds, low=0, high=7 * DAY
        ),
        preview_seconds=given.whole(
            "preview_seconds", default.preview_seconds, low=0, high=7 * DAY
        ),
        promote=Promote(given.choice("promote", list(Promote), Promote.AUTO)),
    )
    given.finish()
    return options


def read_checks(values: Mapping[str, object], where: str, prometheus: str) -> Checks:
    """Read `gates`, `probe` and `slo` of a service; raise PlanError as above."""
    slo = read_slo(values.get("slo"), f"{where}.slo")
    listed = values.get("gates") or {}
    gates = Settings(listed, f"{where}.gates")
    probe = Settings(values.get("probe") or {}, f"{where}.probe")
    stages = {}
    for stage in ("preview", "live"):
        given = listed.get(stage) if gates.has(stage) and isinstance(listed, dict) else None
        stages[stage] = read_gates(given, f"{where}.gates.{stage}", slo, prometheus)
        for gate in stages[stage]:
            if gate.name in OWN_GATES:
                raise PlanError(f"{where}.gates.{stage}: the name {gate.name!r} is taken")
    gates.finish()
    rate = probe.number("rate", 0.0, low=0, high=MOST_RATE)
    path = probe.path("path", slo.path if slo else "/") if probe.has("path") or slo else ""
    probe.finish()
    return Checks(stages["preview"], stages["live"], rate, path)
