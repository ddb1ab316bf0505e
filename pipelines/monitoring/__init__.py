"""Monitoring: one SLO file per service feeds recording rules, alerts and dashboards, and by way of the plan the gates of a release.

`generate` and `runbooks` are the public face. Pure: the same promises always give the same bytes.
"""

import json
from collections.abc import Iterable

from pipelines.catalog.addresses import Addresses
from pipelines.generated import yaml_text
from pipelines.model import Slo
from pipelines.monitoring.alerts import alert_group, runbook_path
from pipelines.monitoring.dashboard import overview, service_dashboard
from pipelines.monitoring.objects import kustomization, prometheus_rule
from pipelines.monitoring.rules import recording_groups
from pipelines.monitoring.runbook import texts

__all__ = ["FOLDER", "generate", "runbooks"]

FOLDER = "manifests/monitoring"
ORIGIN = "manifests/monitoring/slo and manifests/addresses.yaml"
OVERVIEW = "dashboards/_overview.json"


def generate(slos: Iterable[Slo], addresses: Addresses) -> dict[str, str]:
    """Make the texts that follow from the promises of a repository's services, by their paths; none without promises."""
    ordered = sorted(slos, key=lambda slo: slo.name)
    if not ordered:
        return {}
    made: dict[str, str] = {}
    for slo in ordered:
        groups = [*recording_groups(slo), alert_group(slo, addresses)]
        made[f"rules/{slo.name}.yaml"] = yaml_text({"groups": groups}, ORIGIN)
        made[f"objects/{slo.name}.yaml"] = yaml_text(prometheus_rule(slo.name, groups), ORIGIN)
        made[f"dashboards/{slo.name}.json"] = _json(service_dashboard(slo, addresses))
    made[OVERVIEW] = _json(overview(ordered, addresses))
    whole = kustomization(_below(made, "objects/"), _below(made, "dashboards/"))
    made["kustomization.yaml"] = yaml_text(whole, ORIGIN)
    return {f"{FOLDER}/{path}": text for path, text in made.items()}


def runbooks() -> dict[str, str]:
    """Give the first text of each alert's runbook, by its path; what people made of it is theirs."""
    return {runbook_path(name): text for name, text in texts().items()}


def _below(paths: Iterable[str], folder: str) -> list[str]:
    return sorted(path for path in paths if path.startswith(folder))


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
