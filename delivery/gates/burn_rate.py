"""A gate that watches how fast the error budget of the promise is used up, by the service's own metrics.

It looks at what users get, where the `requests` gate looks at what the prober gets. It fails when the budget
burns at the rate that would wake somebody, and says NO_DATA when too few requests came to tell. What was before the
stage began is never looked at: a release that repairs a failing service must not be taken for the failure.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from string import Template

from delivery.cluster import Cluster
from delivery.gate import Policy, Result, Subject, Verdict
from delivery.gates.prometheus import read_address, read_query, words_for
from delivery.metrics import QueryError, instant
from delivery.settings import Settings
from delivery.slo import FAST_BURN, Slo

METRIC = "http_requests_total"
WINDOW_SECONDS = 60
"""At least two scrapes must lie in it."""
LABELS = {"namespace": "$namespace", "service": "$service"}
SERVER_ERRORS = 'status=~"5.."'


@dataclass(frozen=True)
class BurnRateGate:
    """Counts the requests of the window and the failed ones among them, by handler and `labels`."""

    name: str
    policy: Policy
    address: str
    slo: Slo
    factor: float
    window: int
    minimum: float
    labels: Mapping[str, str]
    patience: float

    @property
    def bound_seconds(self) -> float:
        """How long a verdict takes at most."""
        return 2 * self.patience

    def judge(self, cluster: Cluster, subject: Subject, alive: Callable[[], None]) -> Verdict:
        """Ask, and compare with the budget."""
        chosen = self._matchers(words_for(subject))
        since = int((datetime.now(UTC) - subject.since).total_seconds())
        seconds = max(1, min(self.window, since))
        try:
            alive()
            total = self._count(cluster, chosen, seconds)
            alive()
            failed = self._count(cluster, [*chosen, SERVER_ERRORS], seconds)
        except QueryError as error:
            return Verdict(self.name, Result.ERROR, str(error))
        numbers = {"requests": total, "failed": failed}
        # Written so that a count that is no number is too few.
        if not total >= self.minimum or not failed >= 0:
            told = f"{total:.0f} requests in {seconds} s, fewer than {self.minimum:g}"
            return Verdict(self.name, Result.NO_DATA, told, numbers)
        burn = self.slo.burn_rate(failed / total)
        told = f"the error budget burns {burn:.1f} times as fast as promised"
        result = Result.FAIL if burn > self.factor else Result.PASS
        return Verdict(
            self.name, result, f"{told}, at most {self.factor:g}", {**numbers, "burn_rate": burn}
        )

    def _matchers(self, words: Mapping[str, str]) -> list[str]:
        handlers = "|".join(re.escape(handler) for handler in self.slo.handlers)
        labels = {name: Template(text).substitute(words) for name, text in self.labels.items()}
        equal = [f"{name}={json.dumps(value)}" for name, value in labels.items()]
        return [*equal, f"handler=~{json.dumps(handlers)}"]

    def _count(self, cluster: Cluster, matchers: list[str], seconds: int) -> float:
        """Count requests of the last seconds; 0 when there is no such series."""
        query = f"sum(increase({METRIC}{{{','.join(matchers)}}}[{seconds}s]))"
        return sum(each.value for each in instant(cluster, self.address, query, self.patience))


def read_burn_rate(
    settings: Settings, name: str, policy: Policy, slo: Slo | None, address: str
) -> BurnRateGate:
    """Read what the plan says about one; it is about a promise, and about handlers that are counted."""
    if slo is None or not slo.handlers:
        told = "cannot be 'burn-rate': the service has no SLO with handlers"
        raise settings.error("kind", f"{told}; use 'requests', or write manifests/monitoring/slo")
    labels = settings.pairs("labels") or LABELS
    for label in labels if settings.has("labels") else ():
        read_query(settings.section("labels"), label)
    return BurnRateGate(
        name=name,
        policy=policy,
        address=read_address(settings, address),
        slo=slo,
        factor=settings.number("factor", FAST_BURN, low=0, high=1000),
        window=settings.whole("window_seconds", WINDOW_SECONDS, low=5, high=86_400),
        minimum=settings.number("minimum", 20, low=1, high=1e9),
        labels=labels,
        patience=settings.number("patience_seconds", 3, low=0.05, high=60),
    )
