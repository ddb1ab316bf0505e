"""Prometheus' own tool, run on rules and on series that a test makes up."""

import json
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipelines.catalog.addresses import Addresses, parse_addresses
from pipelines.catalog.slo import parse_slo
from pipelines.model import Slo

ADDRESSES: Addresses = parse_addresses(
    "repository: https://git.example/shop.git\n"
    "branch: main\n"
    "files: https://git.example/shop/blob/main\n"
    "grafana: https://grafana.example\n"
)
SLO = """\
name: shop
window_days: 30
success: 99.9
latency: {percent: 99, milliseconds: 250}
handlers: [/, "/api/items/{id}"]
path: /
"""


def slo(text: str = SLO) -> Slo:
    """Read a promise of the service shop."""
    return parse_slo("manifests/monitoring/slo/shop.yaml", text)


@dataclass
class Series:
    """What Prometheus scraped, minute by minute, as promtool writes it: by the series, its values."""

    values: dict[str, str] = field(default_factory=dict)

    def requests(self, per_minute: str, status: str = "200", **labels: str) -> "Series":
        """Count requests of the shop, and put all of them into every bucket of time."""
        given = {"namespace": "production", "service": "shop", "handler": "/", **labels}
        told = {**given, "method": "GET", "status": status}
        self.values[_named("http_requests_total", told)] = per_minute
        return self.times(per_minute, per_minute, status=status, **labels)

    def times(self, every: str, in_time: str, status: str = "200", **labels: str) -> "Series":
        """Count how long requests took: all of them, and those within 250 ms."""
        given = {"namespace": "production", "service": "shop", "handler": "/", **labels}
        told = {**given, "method": "GET", "status": status}
        self.values[_named("http_request_duration_seconds_count", told)] = every
        bucket = {**told, "le": "0.25"}
        self.values[_named("http_request_duration_seconds_bucket", bucket)] = in_time
        return self


def _named(metric: str, labels: Mapping[str, str]) -> str:
    return (
        f"{metric}{{{','.join(f'{name}={json.dumps(value)}' for name, value in labels.items())}}}"
    )


def program() -> str:
    """Find promtool."""
    found = shutil.which("promtool")
    assert found, "promtool is missing: make setup-dev installs Debian's prometheus"
    return found


def check(path: Path) -> None:
    """Let promtool read a rule file."""
    done = subprocess.run(
        [program(), "check", "rules", path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def unit(
    folder: Path,
    groups: Iterable[object],
    series: Mapping[str, str],
    *,
    expressions: Iterable[Mapping[str, object]] = (),
    alerts: Iterable[Mapping[str, object]] = (),
) -> None:
    """Evaluate rules over series of a value per minute, as often as a server would; what promtool finds different is the test's failure."""
    rules = folder / "rules.yaml"
    rules.write_text(json.dumps({"groups": list(groups)}))
    case: dict[str, Any] = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": list(expressions),
        "alert_rule_test": list(alerts),
    }
    cases = folder / "cases.yaml"
    text = {"rule_files": [str(rules)], "evaluation_interval": "30s", "tests": [case]}
    cases.write_text(json.dumps(text))
    done = subprocess.run(
        [program(), "test", "rules", cases], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def number(expression: str, at: str, value: float | None) -> dict[str, object]:
    """Expect a number without labels; None for nothing."""
    samples = [] if value is None else [{"labels": "{}", "value": value}]
    return {"expr": expression, "eval_time": at, "exp_samples": samples}


def firing(at: str, *windows: str, alert: str, **labels: str) -> dict[str, object]:
    """Expect exactly these alerts, by their windows, with all labels that somebody needs to act."""
    severities = {"1h": "page", "6h": "page", "1d": "ticket", "3d": "ticket"}
    samples = []
    for window in windows:
        told = {
            "alertname": alert,
            "alertstate": "firing",
            "namespace": "production",
            "service": "shop",
            "severity": severities[window],
            "window": window,
            **labels,
        }
        samples.append({"labels": _named("ALERTS", told), "value": 1})
    chosen = f'ALERTS{{alertname="{alert}",alertstate="firing"}}'
    return {"expr": chosen, "eval_time": at, "exp_samples": samples}
