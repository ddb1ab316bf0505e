"""Grafana's dashboards, as far as ours use them: panels, their places, variables, links. What they show is said elsewhere.

Written as plain values, because a real engine installs whatever the module depends on before every first call; that the values
are what Grafana's own types know is tested with its SDK (`tests/manifests/test_dashboards.py`). Invariant: panels do not
overlap, and their numbers are unique.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

Obj = dict[str, object]
SCHEMA = 39
"""The version of Grafana's dashboard schema; newer ones read it."""
WIDTH = 24
SOURCE: Obj = {"type": "prometheus", "uid": "${datasource}"}
GREEN, ORANGE, RED = "green", "orange", "red"
STAT, LINES = "stat", "timeseries"


@dataclass(frozen=True)
class Query:
    """A query, and how the legend names its series."""

    expression: str
    legend: str


@dataclass(frozen=True)
class Link:
    """A link to a page."""

    title: str
    url: str


@dataclass(frozen=True)
class Panel:
    """A panel of `kind` with its unit; `steps` are the colours from a value on, the first from below all values."""

    kind: str
    title: str
    about: str
    queries: Sequence[Query]
    unit: str
    width: int = 12
    height: int = 8
    steps: Sequence[tuple[float | None, str]] = ((None, GREEN),)
    links: Sequence[Link] = ()
    stacked: bool = False


def dashboard(
    uid: str, title: str, about: str, panels: Iterable[Panel], *, links: Sequence[Link], chosen: str
) -> Obj:
    """Make a dashboard; `chosen` is the query that lists the namespaces to choose from."""
    return {
        "uid": uid,
        "title": title,
        "description": about,
        "tags": ["shipyard", "slo"],
        "schemaVersion": SCHEMA,
        "editable": False,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "browser",
        "templating": {"list": [_source(), _namespaces(chosen)]},
        "links": [_page(link) for link in links],
        "panels": list(_placed(panels)),
    }


def _placed(panels: Iterable[Panel]) -> Iterator[Obj]:
    """Put panels side by side as long as they fit, in rows as high as their highest."""
    x = y = row = 0
    for number, panel in enumerate(panels, start=1):
        if x + panel.width > WIDTH:
            x, y, row = 0, y + row, 0
        place: Obj = {"x": x, "y": y, "w": panel.width, "h": panel.height}
        x, row = x + panel.width, max(row, panel.height)
        yield _panel(number, panel, place)


def _panel(number: int, panel: Panel, place: Obj) -> Obj:
    steps = [{"value": value, "color": colour} for value, colour in panel.steps]
    defaults: Obj = {"unit": panel.unit, "thresholds": {"mode": "absolute", "steps": steps}}
    options: Obj
    if panel.kind == STAT:
        defaults["color"] = {"mode": "thresholds"}
        options = {
            "colorMode": "value",
            "graphMode": "area",
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        }
    else:
        style = "line" if len(panel.steps) > 1 else "off"
        stacking = {"mode": "normal" if panel.stacked else "none", "group": "A"}
        defaults["min"] = 0
        defaults["custom"] = {
            "fillOpacity": 10,
            "stacking": stacking,
            "thresholdsStyle": {"mode": style},
        }
        options = {
            "legend": {
                "displayMode": "list",
                "placement": "bottom",
                "showLegend": True,
                "calcs": [],
            },
            "tooltip": {"mode": "multi", "sort": "desc"},
        }
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.about,
        "gridPos": place,
        "datasource": SOURCE,
        "targets": [_target(index, query) for index, query in enumerate(panel.queries)],
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": options,
        "links": [_page(link) for link in panel.links],
    }


def _target(index: int, query: Query) -> Obj:
    return {
        "refId": chr(ord("A") + index),
        "datasource": SOURCE,
        "expr": query.expression,
        "legendFormat": query.legend,
    }


def _source() -> Obj:
    return {
        "name": "datasource",
        "label": "Data source",
        "type": "datasource",
        "query": "prometheus",
    }


def _namespaces(chosen: str) -> Obj:
    return {
        "name": "namespace",
        "label": "Namespace",
        "type": "query",
        "datasource": SOURCE,
        "query": chosen,
        "refresh": 2,
        "sort": 1,
    }


def _page(link: Link) -> Obj:
    return {
        "title": link.title,
        "url": link.url,
        "type": "link",
        "icon": "doc",
        "tooltip": "",
        "tags": [],
        "asDropdown": False,
        "targetBlank": True,
        "includeVars": False,
        "keepTime": False,
    }
