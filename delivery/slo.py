"""A service's promise: how many requests are answered well, and how fast.

One file per service, `manifests/monitoring/slo/NAME.yaml`, is the source of it for alerts, dashboards and the
gates of a release; the pipelines check it and put it into the plan.
"""

from dataclasses import dataclass

from delivery.settings import Settings

FAST_BURN = 14.4
"""Burn rate that pages: at it, 2 % of a 30 days' budget are gone in one hour (Google's SRE workbook)."""


@dataclass(frozen=True)
class Slo:
    """Promise of a service over `window_days`.

    `success_percent` of the requests get no server error, `latency_percent` of them are answered within
    `latency_ms`. `handlers` are the routes that count, as the label of that name has them; none when the
    service has no metrics. `path` is a request that stands for them.
    """

    name: str
    window_days: int
    success_percent: float
    latency_percent: float
    latency_ms: float
    handlers: tuple[str, ...]
    path: str

    @property
    def budget(self) -> float:
        """The share of the requests that may fail."""
        return round(1 - self.success_percent / 100, 9)

    def burn_rate(self, failed_share: float) -> float:
        """Tell how many times faster than allowed the budget is used up at a share of failed requests."""
        return failed_share / self.budget


def read_slo(values: object, where: str) -> Slo | None:
    """Read a promise, if there is one; raise PlanError with the key and what is allowed."""
    if values is None:
        return None
    settings = Settings(values, where)
    latency = settings.section("latency")
    slo = Slo(
        name=settings.text("name"),
        window_days=settings.whole("window_days", low=1, high=366),
        success_percent=settings.number("success", low=50, high=99.999),
        latency_percent=latency.number("percent", low=50, high=99.999),
        latency_ms=latency.number("milliseconds", low=1, high=60_000),
        handlers=settings.texts("handlers", ()),
        path=settings.path("path"),
    )
    latency.finish()
    settings.finish()
    return slo
