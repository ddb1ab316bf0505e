"""Recording rules of a service: what alerts and dashboards are made of.

| record | per `namespace`, `service`, `promise` |
|---|---|
| `slo:requests:rate5m`, `slo:errors:rate5m` | requests per second, and those that miss the promise |
| `slo:error_ratio:rateWINDOW` | their share over a window, weighted by traffic |
| `slo:burn_rate:rate1h` | how many times faster than allowed the budget is used up now |
| `slo:error_budget_remaining:ratio` | what is left of the budget of the SLO's window; below zero it is overdrawn |
| `slo:objective:ratio` | the promise itself, without a namespace |
"""

from collections.abc import Iterator

from pipelines.model import Slo
from pipelines.monitoring.promise import Promise, promises
from pipelines.monitoring.promql import counted, missed
from pipelines.monitoring.windows import SHORTEST, hours, lengths

Rule = dict[str, object]
Group = dict[str, object]
REQUESTS, ERRORS = f"slo:requests:rate{SHORTEST}", f"slo:errors:rate{SHORTEST}"
REMAINING, OBJECTIVE = "slo:error_budget_remaining:ratio", "slo:objective:ratio"
BURN_WINDOW = "1h"
BURN_RATE = f"slo:burn_rate:rate{BURN_WINDOW}"
SOON_SECONDS, LATER = 30, "5m"
"""How often short and long windows are counted anew: what looks back for days changes slowly."""
_LONG_HOURS = 24


def ratio(length: str) -> str:
    """Name the record of the errors' share over a window."""
    return f"slo:error_ratio:rate{length}"


def recording_groups(slo: Slo) -> Iterator[Group]:
    """Make the groups of rules that a service's promises are recorded by."""
    found = [rule for promise in promises(slo) for rule in _soon(promise)]
    yield {"name": f"slo-{slo.name}-soon", "interval": f"{SOON_SECONDS}s", "rules": found}
    found = [rule for promise in promises(slo) for rule in _later(promise)]
    yield {"name": f"slo-{slo.name}-later", "interval": LATER, "rules": found}


def _soon(promise: Promise) -> Iterator[Rule]:
    labels, chosen = promise.labels, promise.selector
    yield _rule(REQUESTS, counted(promise, SHORTEST), labels)
    yield _rule(ERRORS, missed(promise, SHORTEST), labels)
    for length in lengths():
        if hours(length) < _LONG_HOURS:
            yield _rule(ratio(length), _share(promise, length), labels)
    now = f"{ratio(BURN_WINDOW)}{chosen} / {promise.budget:.10g}"
    yield _rule(BURN_RATE, now, labels)
    yield _rule(OBJECTIVE, f"vector({promise.percent / 100:.10g})", labels)


def _later(promise: Promise) -> Iterator[Rule]:
    for length in lengths():
        if hours(length) >= _LONG_HOURS:
            yield _rule(ratio(length), _share(promise, length), promise.labels)
    whole = _share(promise, f"{promise.slo.window_days}d")
    yield _rule(REMAINING, f"1 - {whole} / {promise.budget:.10g}", promise.labels)


def _share(promise: Promise, length: str) -> str:
    if length == SHORTEST:
        return f"{ERRORS}{promise.selector} / {REQUESTS}{promise.selector}"
    errors = f"sum_over_time({ERRORS}{promise.selector}[{length}])"
    return f"{errors} / sum_over_time({REQUESTS}{promise.selector}[{length}])"


def _rule(record: str, expression: str, labels: dict[str, str]) -> Rule:
    return {"record": record, "expr": expression, "labels": labels}
