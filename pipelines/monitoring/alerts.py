"""Alerts of a service: its budgets burn too fast, or its requests are not counted any more.

A page is for what must be looked at now, a ticket for what must be looked at this week. A budget's alert wants a handful of
failed requests as well: one that fails at night among three is a share of a third and wakes nobody.
"""

import hashlib

from pipelines.catalog.addresses import Addresses
from pipelines.model import Slo
from pipelines.monitoring.promise import LATENCY, SUCCESS, Promise, promises
from pipelines.monitoring.rules import ERRORS, REQUESTS, SOON_SECONDS, Group, Rule, ratio
from pipelines.monitoring.windows import TICKET, Window, possible

BURNS = {SUCCESS: "SuccessBudgetBurns", LATENCY: "LatencyBudgetBurns"}
UNCOUNTED = "RequestsUncounted"
FEWEST = 5
"""Failed requests in the long window that make an alert."""
MEMORY = "1d"
"""How long it is remembered that there were numbers; who was taken away on purpose is forgotten then."""
LONGEST_UID = 40
RUNBOOKS = "manifests/monitoring/runbooks"


def alert_group(slo: Slo, addresses: Addresses) -> Group:
    """Make the group of a service's alerts."""
    rules = [
        _burns(promise, window, addresses)
        for promise in promises(slo)
        for window in possible(promise.budget, slo.window_days)
    ]
    rules += [_uncounted(promise, addresses) for promise in promises(slo)]
    return {"name": f"slo-{slo.name}-alerts", "rules": rules}


def dashboard_uid(slo: Slo) -> str:
    """Name a service's dashboard in addresses; Grafana takes 40 characters."""
    uid = f"slo-{slo.name}"
    if len(uid) <= LONGEST_UID:
        return uid
    return f"{uid[:31]}-{hashlib.sha256(uid.encode()).hexdigest()[:8]}"


def runbook_path(alert: str) -> str:
    """Tell where the runbook of an alert lies in the repository."""
    return f"{RUNBOOKS}/{alert}.md"


def _burns(promise: Promise, window: Window, addresses: Addresses) -> Rule:
    factor, chosen = window.factor(promise.slo.window_days), promise.selector
    most = f"{factor * promise.budget:.10g}"
    exhausted = promise.slo.window_days / factor
    times = "" if factor == 1 else f"{factor:g} times "
    return {
        "alert": BURNS[promise.kind],
        "expr": (
            f"{ratio(window.long)}{chosen} > {most}"
            f" and {ratio(window.short)}{chosen} > {most}"
            f" and {SOON_SECONDS} * sum_over_time({ERRORS}{chosen}[{window.long}]) >= {FEWEST}"
        ),
        "labels": {"severity": window.severity, "window": window.long},
        "annotations": {
            "summary": f"{promise.slo.name} in {{{{ $labels.namespace }}}} misses its promise of {promise.kind}",
            "description": (
                f"Promised: {promise.words}. Missed in the last {window.long}:"
                f" {{{{ $value | humanizePercentage }}}}, at least {times}as many as the budget has room for."
                f" If this goes on, the budget of {promise.slo.window_days} days lasts {exhausted:.2g} days."
            ),
            **_links(promise, BURNS[promise.kind], addresses),
        },
    }


def _uncounted(promise: Promise, addresses: Addresses) -> Rule:
    """Miss the errors, not the requests: without the promised bucket there are requests, and no alert of it can fire."""
    chosen = promise.selector
    return {
        "alert": UNCOUNTED,
        "expr": f"last_over_time({REQUESTS}{chosen}[{MEMORY}]) unless {ERRORS}{chosen}",
        "for": "15m",
        "labels": {"severity": TICKET},
        "annotations": {
            "summary": f"Nobody counts the requests of {promise.slo.name} in {{{{ $labels.namespace }}}}",
            "description": (
                f"Within {MEMORY} there were numbers for its promise of {promise.kind}, now nobody knows how many miss it: no other alert of it can fire."
            ),
            **_links(promise, UNCOUNTED, addresses),
        },
    }


def _links(promise: Promise, alert: str, addresses: Addresses) -> dict[str, str]:
    page = f"{addresses.grafana}/d/{dashboard_uid(promise.slo)}"
    return {
        "runbook_url": f"{addresses.files}/{runbook_path(alert)}",
        "dashboard_url": f"{page}?var-namespace={{{{ $labels.namespace }}}}",
    }
