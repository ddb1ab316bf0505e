"""Dashboards as they are committed: Grafana's own types know them, and each panel has something to show.

`metrics/` holds what the services said at `/metrics`, recorded from the running services; `metrics/ingress-nginx.txt` is
written after its documentation, since no ingress-nginx runs here. Those numbers, growing, go through the rules into the panels.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.manifests.conftest import MANIFESTS, ROOT
from tests.pipelines.monitoring.promtool import check, unit

MONITORING = MANIFESTS / "monitoring"
DASHBOARDS = sorted(MONITORING.glob("dashboards/*.json"))
METRICS = Path(__file__).parent / "metrics"
NAMESPACE = "production"
OF_PROMETHEUS = {"ALERTS"}
SERIES = re.compile(r"^(?P<name>[a-z_]+)(?:\{(?P<labels>.*)\})? \S+$")
WORD = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
Obj = dict[str, Any]


def read(path: Path) -> Obj:
    """Read a dashboard."""
    return dict(json.loads(path.read_text()))


def queries(dashboard: Obj) -> Iterator[tuple[str, str]]:
    """Go through what panels ask: the panel's title and the query, in a namespace."""
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"].replace("$namespace", NAMESPACE)


def recorded() -> dict[str, str]:
    """Give every recorded series, with the labels that a scrape adds, growing by six a minute."""
    found = {}
    for path in METRICS.glob("*.txt"):
        own = {"namespace": NAMESPACE, "service": path.stem, "pod": f"{path.stem}-1"}
        if path.stem == "ingress-nginx":
            own = {"namespace": path.stem, "exported_namespace": NAMESPACE}
        added = ",".join(f'{name}="{value}"' for name, value in own.items())
        for line in path.read_text().splitlines():
            if match := SERIES.match(line):
                labels = ",".join(filter(None, (match["labels"], added)))
                found[f"{match['name']}{{{labels}}}"] = "1+6x60"
    return found


def groups() -> list[Obj]:
    """Read all rules."""
    paths = sorted(MONITORING.glob("rules/*.yaml"))
    return [group for path in paths for group in yaml.safe_load(path.read_text())["groups"]]


def known() -> set[str]:
    """List the names of metrics that are recorded, by the services or by the rules."""
    rules = [rule for group in groups() for rule in group["rules"]]
    own = {series.partition("{")[0] for series in recorded()}
    return own | {rule["record"] for rule in rules if "record" in rule} | OF_PROMETHEUS


def metrics_of(query: str) -> set[str]:
    """List the names of metrics in a query: words before a selector or a range."""
    return set(re.findall(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?=[{\[])", query))


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_panels_have_numbers_of_their_own_and_do_not_overlap(path: Path) -> None:
    panels = read(path)["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels) > 0
    taken = set()
    for panel in panels:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not taken & cells, panel["title"]
        taken |= cells


def test_dashboards_have_names_of_their_own() -> None:
    uids = [read(path)["uid"] for path in DASHBOARDS]
    assert len(set(uids)) == len(uids)


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_every_metric_of_a_panel_and_of_a_rule_is_one_that_somebody_tells(path: Path) -> None:
    names = known()
    for title, query in queries(read(path)):
        assert metrics_of(query), query
        assert metrics_of(query) <= names, title
    for group in groups():
        for rule in group["rules"]:
            used = metrics_of(rule["expr"])
            assert used <= names, rule
            assert used or rule["expr"].startswith("vector("), rule


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_prometheus_understands_every_panel(path: Path, tmp_path: Path) -> None:
    rules = [
        {"record": f"panel:{number}", "expr": query}
        for number, (_, query) in enumerate(queries(read(path)))
    ]
    file = tmp_path / "panels.yaml"
    file.write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}))
    check(file)


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_every_panel_shows_something_of_services_as_they_are(path: Path, tmp_path: Path) -> None:
    """What is not counted by the recorded names, labels and buckets would leave a panel empty."""
    expected = [
        {
            "expr": f"count({query}) > bool 0",
            "eval_time": "1h",
            "exp_samples": [{"labels": "{}", "value": 1}],
        }
        for title, query in queries(read(path))
        if title != "Alerts that fire"
    ]
    unit(tmp_path, groups(), recorded(), expressions=expected)


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_links_to_runbooks_lead_somewhere(path: Path) -> None:
    files = yaml.safe_load((MANIFESTS / "addresses.yaml").read_text())["files"]
    dashboard = read(path)
    links = [
        *dashboard["links"],
        *(link for panel in dashboard["panels"] for link in panel["links"]),
    ]
    pages = [link["url"] for link in links if link["url"].startswith(files)]
    assert len(pages) >= 3
    for page in pages:
        assert (ROOT / page.removeprefix(f"{files}/")).is_file()
    uids = {read(each)["uid"] for each in DASHBOARDS}
    for link in links:
        if link["url"].startswith("/d/"):
            assert link["url"].removeprefix("/d/").partition("?")[0] in uids


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_grafanas_own_types_know_every_word(path: Path) -> None:
    """What its types do not know is lost on the way through them; what is no word of theirs fails."""
    from grafana_foundation_sdk.cog.encoder import JSONEncoder
    from grafana_foundation_sdk.cog.plugins import register_default_plugins
    from grafana_foundation_sdk.models.dashboard import Dashboard

    register_default_plugins()
    ours = read(path)
    theirs = json.loads(JSONEncoder().encode(Dashboard.from_json(ours)))
    assert lost(ours, theirs) == []


def lost(ours: object, theirs: object, where: str = "") -> list[str]:
    """List the places of ours that are not the same in theirs, which may say more."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return [
            place
            for key, value in ours.items()
            for place in lost(value, theirs.get(key), f"{where}.{key}")
        ]
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        return [
            place
            for number, pair in enumerate(zip(ours, theirs, strict=True))
            for place in lost(*pair, f"{where}[{number}]")
        ]
    return [] if ours == theirs or ours in ([], None) else [f"{where}: {ours!r} is {theirs!r}"]
