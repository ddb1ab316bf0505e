"""A gate that asks Prometheus one question and compares the answer with bounds.

The query gives a number, or one per series: then every one must lie within. No series, and series without a
number, are NO_DATA; so is a sample that rests on too few requests.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from string import Template

from delivery.cluster import Cluster
from delivery.gate import Policy, Result, Subject, Verdict
from delivery.metrics import FORMS, QueryError, Series, check_address, instant
from delivery.settings import Settings

NAMES = ("namespace", "service", "colour", "seconds")
"""What a query may say as `$name`; `$seconds` are those since the stage began."""


@dataclass(frozen=True)
class Bounds:
    """What a number must lie within, both included."""

    low: float = -math.inf
    high: float = math.inf

    def holds(self, value: float) -> bool:
        """Tell whether a number lies within."""
        return self.low <= value <= self.high

    def __str__(self) -> str:
        if self.low == -math.inf:
            return f"at most {self.high:g}"
        if self.high == math.inf:
            return f"at least {self.low:g}"
        return f"from {self.low:g} to {self.high:g}"


@dataclass(frozen=True)
class PrometheusGate:
    """Asks `query`, and if `minimum` is set first whether `samples` gives that much."""

    name: str
    policy: Policy
    address: str
    query: str
    bounds: Bounds
    samples: str
    minimum: float
    patience: float

    @property
    def bound_seconds(self) -> float:
        """How long a verdict takes at most."""
        return 2 * self.patience

    def judge(self, cluster: Cluster, subject: Subject, alive: Callable[[], None]) -> Verdict:
        """Ask, and compare."""
        words = words_for(subject)
        numbers: dict[str, float] = {}
        try:
            if self.samples:
                alive()
                counted = self._ask(cluster, self.samples, words)
                numbers["samples"] = sum(each.value for each in counted)
                if numbers["samples"] < self.minimum:
                    told = f"{numbers['samples']:g} samples, fewer than {self.minimum:g}"
                    return Verdict(self.name, Result.NO_DATA, told, numbers)
            alive()
            found = self._ask(cluster, self.query, words)
        except QueryError as error:
            return Verdict(self.name, Result.ERROR, str(error), numbers)
        if not found:
            return Verdict(self.name, Result.NO_DATA, "the query gives no number", numbers)
        outside = [each for each in found if not self.bounds.holds(each.value)]
        worst = (outside or found)[0]
        numbers |= {"value": worst.value, "series": float(len(found))}
        told = f"{worst.value:g}{worst.words}, wanted {self.bounds}"
        return Verdict(self.name, Result.FAIL if outside else Result.PASS, told, numbers)

    def _ask(self, cluster: Cluster, query: str, words: Mapping[str, str]) -> list[Series]:
        """Ask for series with a number."""
        written = Template(query).substitute(words)
        found = instant(cluster, self.address, written, self.patience)
        return [each for each in found if not math.isnan(each.value)]


def words_for(subject: Subject) -> dict[str, str]:
    """Give what stands for the names in a query."""
    seconds = max(1, math.ceil((datetime.now(UTC) - subject.since).total_seconds()))
    values = (subject.namespace, subject.service, subject.colour, str(seconds))
    return dict(zip(NAMES, values, strict=True))


def read_prometheus(settings: Settings, name: str, policy: Policy, address: str) -> PrometheusGate:
    """Read what the plan says about one."""
    bounds = Bounds(
        settings.number("at_least", -math.inf, low=-math.inf, high=math.inf),
        settings.number("at_most", math.inf, low=-math.inf, high=math.inf),
    )
    if bounds == Bounds():
        raise settings.error("at_most", "is missing, give it or at_least")
    samples = settings.section("samples")
    gate = PrometheusGate(
        name=name,
        policy=policy,
        address=read_address(settings, address),
        query=read_query(settings, "query"),
        bounds=bounds,
        samples=read_query(samples, "query") if settings.has("samples") else "",
        minimum=samples.number("minimum", 1, low=0, high=math.inf),
        patience=settings.number("patience_seconds", 3, low=0.05, high=60),
    )
    samples.finish()
    return gate


def read_address(settings: Settings, default: str) -> str:
    """Read where Prometheus is."""
    address = settings.text("address", default or None, meaning=FORMS)
    try:
        check_address(address)
    except ValueError as error:
        raise settings.error("address", f"is no address: {error}") from error
    return address


def read_query(settings: Settings, key: str) -> str:
    """Read a query; its names are checked here, its grammar is Prometheus' business."""
    query = settings.text(key, meaning="a PromQL query")
    try:
        Template(query).substitute(dict.fromkeys(NAMES, "1"))
    except (KeyError, ValueError) as error:
        known = ", ".join(f"${name}" for name in NAMES)
        told = f"has a name that is not known: {error}. Known: {known}; a plain $ is written $$"
        raise settings.error(key, told) from error
    return query
