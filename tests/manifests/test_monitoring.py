"""Rules as they are committed: promtool reads them, the operator's objects hold the same, and links lead somewhere."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.manifests.conftest import APPS, MANIFESTS, ROOT, render
from tests.pipelines.monitoring.promtool import check

MONITORING = MANIFESTS / "monitoring"
RULES = sorted(MONITORING.glob("rules/*.yaml"))
ADDRESSES = yaml.safe_load((MANIFESTS / "addresses.yaml").read_text())


def groups(path: Path) -> list[dict[str, Any]]:
    """Read the groups of a rule file."""
    return list(yaml.safe_load(path.read_text())["groups"])


def test_every_service_has_rules() -> None:
    assert [path.stem for path in RULES] == APPS


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)
def test_prometheus_takes_the_rules(path: Path) -> None:
    check(path)


def test_the_operator_gets_the_same_rules_and_grafana_the_dashboards() -> None:
    objects = render(MONITORING)
    found = {obj["metadata"]["name"]: obj for obj in objects if obj["kind"] == "PrometheusRule"}
    assert {name: obj["spec"]["groups"] for name, obj in found.items()} == {
        f"slo-{path.stem}": groups(path) for path in RULES
    }
    (dashboards,) = [obj for obj in objects if obj["kind"] == "ConfigMap"]
    files = {path.name: path.read_text() for path in MONITORING.glob("dashboards/*.json")}
    assert dashboards["data"] == files
    assert dashboards["metadata"]["labels"]["grafana_dashboard"] == "1"


def test_every_alert_links_a_runbook_and_a_dashboard_that_exist() -> None:
    uids = {
        yaml.safe_load(path.read_text())["uid"] for path in MONITORING.glob("dashboards/*.json")
    }
    alerts = [
        rule
        for path in RULES
        for group in groups(path)
        for rule in group["rules"]
        if "alert" in rule
    ]
    assert len(alerts) == 10 * len(RULES)
    for alert in alerts:
        notes = alert["annotations"]
        page = notes["runbook_url"].removeprefix(f"{ADDRESSES['files']}/")
        assert (ROOT / page).read_text().startswith(f"# {alert['alert']}\n")
        uid = notes["dashboard_url"].removeprefix(f"{ADDRESSES['grafana']}/d/").partition("?")[0]
        assert uid in uids


def test_there_is_no_runbook_without_an_alert() -> None:
    names = {
        rule["alert"]
        for path in RULES
        for group in groups(path)
        for rule in group["rules"]
        if "alert" in rule
    }
    assert {path.stem for path in MONITORING.glob("runbooks/*.md")} == names
