"""How a new version of a service reaches its users, in the words of the delivery's plan.

The keys and values are those of a service in the plan (`docs/delivery.md`), so that there is one language for
them; the catalogue has checked them before they get here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

WATCH_SECONDS = 30
"""How long a blue-green release is watched where nothing else is said; the delivery's own default."""


class Strategy(StrEnum):
    """How a new version replaces the old one."""

    ROLLING = "rolling"
    BLUE_GREEN = "blue-green"


class Promote(StrEnum):
    """Who decides about the switch: the gates alone, or somebody after them."""

    AUTO = "auto"
    MANUAL = "manual"


OF_BLUE_GREEN = ("blue_green", "set")
"""Keys that mean nothing where pods are replaced a few at a time; such a release has no preview either."""
PREVIEW = "preview"


@dataclass(frozen=True)
class Delivery:
    """What `strategy`, `blue_green`, `gates`, `probe`, `set` and `barrier` say; absent keys are the plan's defaults."""

    values: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def strategy(self) -> Strategy:
        """How a new version replaces the old one."""
        return Strategy(self.values.get("strategy", Strategy.ROLLING))

    @property
    def is_blue_green(self) -> bool:
        """Whether the next version comes up beside the one that users reach."""
        return self.strategy is Strategy.BLUE_GREEN

    @property
    def watch_seconds(self) -> int:
        """How long a release is watched after users reach it."""
        if not self.is_blue_green:
            return 0
        return int(self.values.get("blue_green", {}).get("watch_seconds", WATCH_SECONDS))

    @property
    def plan(self) -> dict[str, Any]:
        """What the plan says; a rolling service has nothing of blue-green, also when it inherited it."""
        if self.is_blue_green:
            return dict(self.values)
        told = {key: value for key, value in self.values.items() if key not in OF_BLUE_GREEN}
        if "gates" in told:
            told["gates"] = {name: told["gates"][name] for name in told["gates"] if name != PREVIEW}
        return told

    def gates(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Go through the gates, each with its place, such as `gates.live[0]`."""
        for stage, listed in self.plan.get("gates", {}).items():
            for position, gate in enumerate(listed):
                yield f"gates.{stage}[{position}]", gate

    def overridden(self, by: "Delivery") -> "Delivery":
        """Replace whole keys."""
        return Delivery({**self.values, **by.values})
