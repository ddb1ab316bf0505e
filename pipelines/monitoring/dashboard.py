"""What the dashboards show: one of each service, from its promises down to its process, and one of all promises."""

from collections.abc import Iterator, Sequence

from pipelines.catalog.addresses import Addresses
from pipelines.model import Slo
from pipelines.monitoring.alerts import BURNS, UNCOUNTED, dashboard_uid, runbook_path
from pipelines.monitoring.grafana import (
    GREEN,
    LINES,
    ORANGE,
    RED,
    STAT,
    Link,
    Obj,
    Panel,
    Query,
    dashboard,
)
from pipelines.monitoring.promise import Promise, promises
from pipelines.monitoring.promql import by_label, quantile
from pipelines.monitoring.rules import BURN_RATE, BURN_WINDOW, REMAINING, REQUESTS, ratio
from pipelines.monitoring.windows import SHORTEST, WINDOWS

NAMESPACE = "$namespace"
OVERVIEW_UID = "slos"
SHARES = (0.5, 0.9, 0.99)
SMALL_WIDTH, SMALL_HEIGHT = 6, 4


def service_dashboard(slo: Slo, addresses: Addresses) -> Obj:
    """Make the dashboard of a service."""
    panels = [
        *(_budget(promise) for promise in promises(slo)),
        *(_burn(promise, addresses) for promise in promises(slo)),
        *(_missed(promise) for promise in promises(slo)),
        *_traffic(slo),
        _times(slo),
        *_process(slo),
    ]
    return dashboard(
        dashboard_uid(slo),
        f"SLO / {slo.name}",
        "; ".join(promise.words for promise in promises(slo)),
        panels,
        links=runbook_links(addresses),
        chosen=f'label_values({REQUESTS}{{service="{slo.name}"}}, namespace)',
    )


def overview(slos: Sequence[Slo], addresses: Addresses) -> Obj:
    """Make the dashboard of all services; each has a link to its own."""
    here = f'{{namespace="{NAMESPACE}"}}'
    named = "{{service}}: {{promise}}"
    firing = f'sum by (alertname, service) (ALERTS{{alertstate="firing",namespace="{NAMESPACE}",alertname=~"{"|".join(_alerts())}"}})'
    panels = [
        Panel(
            LINES,
            "Error budgets left",
            "Of each promise's own window; below zero a promise is broken.",
            [Query(f"{REMAINING}{here}", named)],
            "percentunit",
        ),
        Panel(
            LINES,
            "Burn rates",
            "1 uses up a budget in exactly its window.",
            [Query(f"{BURN_RATE}{here}", named)],
            "none",
            steps=_burn_steps(30),
        ),
        Panel(
            LINES,
            "Requests per second",
            "As the promise of success counts them.",
            [Query(f'{REQUESTS}{{namespace="{NAMESPACE}",promise="success"}}', "{{service}}")],
            "reqps",
        ),
        Panel(
            LINES,
            "Alerts that fire",
            "Pages and tickets alike.",
            [Query(firing, "{{service}}: {{alertname}}")],
            "none",
        ),
    ]
    pages = [
        Link(slo.name, f"/d/{dashboard_uid(slo)}?var-namespace=${{namespace}}") for slo in slos
    ]
    return dashboard(
        OVERVIEW_UID,
        "SLO / all services",
        "What the services promise, and how much of it is left.",
        panels,
        links=[*pages, *runbook_links(addresses)],
        chosen=f"label_values({REQUESTS}, namespace)",
    )


def runbook_links(addresses: Addresses) -> list[Link]:
    """Link every alert's runbook."""
    return [_runbook(alert, addresses) for alert in _alerts()]


def _alerts() -> tuple[str, ...]:
    return (*BURNS.values(), UNCOUNTED)


def _runbook(alert: str, addresses: Addresses) -> Link:
    return Link(f"Runbook: {alert}", f"{addresses.files}/{runbook_path(alert)}")


def _here(promise: Promise) -> str:
    return f'{{service="{promise.slo.name}",promise="{promise.kind}",namespace="{NAMESPACE}"}}'


def _budget(promise: Promise) -> Panel:
    return Panel(
        STAT,
        f"Budget left: {promise.kind}",
        f"{promise.words}, over {promise.slo.window_days} days.",
        [Query(f"{REMAINING}{_here(promise)}", promise.kind)],
        "percentunit",
        steps=((None, RED), (0, ORANGE), (0.25, GREEN)),
        width=SMALL_WIDTH,
        height=SMALL_HEIGHT,
    )


def _burn(promise: Promise, addresses: Addresses) -> Panel:
    return Panel(
        STAT,
        f"Burn rate: {promise.kind}",
        f"Of the last {BURN_WINDOW}; 1 uses up the budget in exactly {promise.slo.window_days} days.",
        [Query(f"{BURN_RATE}{_here(promise)}", promise.kind)],
        "none",
        steps=_burn_steps(promise.slo.window_days),
        links=[_runbook(BURNS[promise.kind], addresses)],
        width=SMALL_WIDTH,
        height=SMALL_HEIGHT,
    )


def _burn_steps(days: int) -> tuple[tuple[float | None, str], ...]:
    return ((None, GREEN), (1, ORANGE), (WINDOWS[0].factor(days), RED))


def _missed(promise: Promise) -> Panel:
    lengths = (SHORTEST, BURN_WINDOW, "6h")
    return Panel(
        LINES,
        f"Share that misses the promise: {promise.kind}",
        f"{promise.words}. The line is the budget.",
        [Query(f"{ratio(length)}{_here(promise)}", length) for length in lengths],
        "percentunit",
        steps=((None, GREEN), (promise.budget, RED)),
    )


def _traffic(slo: Slo) -> Iterator[Panel]:
    labels = ("status", "handler") if slo.handlers else ("status",)
    for label in labels:
        yield Panel(
            LINES,
            f"Requests per second by {label}",
            (
                "Of the handlers that the promise is about."
                if slo.handlers
                else "As the ingress counts them."
            ),
            [Query(by_label(slo, label, SHORTEST, NAMESPACE), f"{{{{{label}}}}}")],
            "reqps",
            stacked=True,
        )


def _times(slo: Slo) -> Panel:
    return Panel(
        LINES,
        "Time to answer",
        f"Estimated from buckets. The line is the promise: {slo.latency_percent:g} % within it.",
        [
            Query(quantile(slo, share, SHORTEST, NAMESPACE), f"{100 * share:g} %")
            for share in SHARES
        ],
        "s",
        steps=((None, GREEN), (slo.latency_milliseconds / 1000, RED)),
    )


def _process(slo: Slo) -> Iterator[Panel]:
    """Show the processes of a service that tells about them itself."""
    if not slo.handlers:
        return
    here = f'{{service="{slo.name}",namespace="{NAMESPACE}"}}'
    cpu = f"rate(process_cpu_seconds_total{here}[{SHORTEST}])"
    yield Panel(LINES, "Processor", "Cores in use, by pod.", [Query(cpu, "{{pod}}")], "none")
    memory = f"process_resident_memory_bytes{here}"
    yield Panel(LINES, "Memory", "Resident, by pod.", [Query(memory, "{{pod}}")], "bytes")
