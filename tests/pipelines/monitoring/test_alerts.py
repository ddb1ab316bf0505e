"""Alerts, evaluated by promtool: they fire at their rate, are silent below it, end soon, and say whom they are about."""

from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.monitoring.alerts import alert_group, dashboard_uid
from pipelines.monitoring.rules import recording_groups
from pipelines.monitoring.runbook import texts
from tests.pipelines.monitoring.promtool import ADDRESSES, SLO, Series, firing, slo, unit

BURNS = {"alert": "SuccessBudgetBurns", "promise": "success"}
LATE = {"alert": "LatencyBudgetBurns", "promise": "latency"}


def groups(text: str = SLO) -> list[object]:
    """Make all groups of a service."""
    promised = slo(text)
    return [*recording_groups(promised), alert_group(promised, ADDRESSES)]


@pytest.mark.parametrize(
    ("failing", "windows"),
    [
        (15, ["1h", "6h", "1d", "3d"]),
        (14, ["6h", "1d", "3d"]),
        (7, ["6h", "1d", "3d"]),
        (5, ["1d", "3d"]),
        (4, ["1d", "3d"]),
        (2, ["3d"]),
        (0, []),
    ],
)
def test_a_rate_of_failures_raises_the_alerts_whose_factor_it_exceeds(
    failing: int, windows: list[str], tmp_path: Path
) -> None:
    """Of a thousand requests a minute one may fail: the factors are 14.4, 6, 3 and 1."""
    series = Series().requests(f"0+{1000 - failing}x300").requests(f"0+{failing}x300", "503")
    unit(tmp_path, groups(), series.values, expressions=[firing("5h", *windows, **BURNS)])


@pytest.mark.parametrize(
    ("late", "windows"), [(150, ["1h", "6h", "1d", "3d"]), (20, ["3d"]), (9, [])]
)
def test_late_answers_burn_a_budget_of_their_own(
    late: int, windows: list[str], tmp_path: Path
) -> None:
    """Of a thousand requests ten may be late; none fails."""
    series = Series().requests("0+1000x300").times("0+1000x300", f"0+{1000 - late}x300")
    expected = [firing("5h", *windows, **LATE), firing("5h", **BURNS)]
    unit(tmp_path, groups(), series.values, expressions=expected)


def test_a_page_ends_soon_after_its_cause(tmp_path: Path) -> None:
    """Ten bad minutes stay in the hour for an hour; the five minutes beside it forget them."""
    series = Series().requests("0+1000x300")
    series.requests("0+0x60 0+500x10 5000+0x230", "500")
    at = [
        firing("55m", **BURNS),
        firing("1h8m", "1h", "6h", "1d", "3d", **BURNS),
        firing("1h30m", "6h", "1d", "3d", **BURNS),
        firing("2h30m", "1d", "3d", **BURNS),
    ]
    unit(tmp_path, groups(), series.values, expressions=at)


def test_one_failure_at_night_wakes_nobody(tmp_path: Path) -> None:
    """A request every twenty minutes; the fourth of them fails."""
    often = " ".join(f"{number // 20}+0x0" for number in range(1, 300))
    series = Series().requests(often).requests("0+0x80 1+0x220", "500")
    at = [firing(when, **BURNS) for when in ("1h21m", "1h25m", "2h", "4h")]
    unit(tmp_path, groups(), series.values, expressions=at)


def test_staging_and_production_are_told_apart(tmp_path: Path) -> None:
    series = Series().requests("0+1000x60").requests("0+900x60", namespace="staging")
    series.requests("0+100x60", "500", namespace="staging")
    fired = firing("30m", "1h", "6h", "1d", "3d", **BURNS, namespace="staging")
    unit(tmp_path, groups(), series.values, expressions=[fired])


def test_whoever_is_not_counted_any_more_is_missed_for_a_day(tmp_path: Path) -> None:
    series = Series().requests("0+1000x120 _x1800").values
    chosen = 'count(ALERTS{alertname="RequestsUncounted",alertstate="%s",namespace="production"})'
    found = [
        (chosen % "firing", "2h", []),
        (chosen % "pending", "2h15m", [2]),
        (chosen % "firing", "2h40m", [2]),
        (chosen % "firing", "25h", [2]),
        (chosen % "firing", "27h", []),
    ]
    expected = [
        {
            "expr": query,
            "eval_time": at,
            "exp_samples": [{"labels": "{}", "value": each} for each in values],
        }
        for query, at, values in found
    ]
    unit(tmp_path, groups(), series, expressions=expected)


def test_a_bucket_that_is_gone_is_missed_although_requests_are_counted(tmp_path: Path) -> None:
    """A client that was set up with other buckets: requests go on, and no latency alert could ever fire."""
    series = Series().requests("0+1000x240").times("0+1000x240", "0+1000x60 _x180").values
    expected = [
        {
            "expr": f'count(ALERTS{{alertname="RequestsUncounted",alertstate="firing",promise="{promise}"}})',
            "eval_time": "2h",
            "exp_samples": [{"labels": "{}", "value": 1}] if missed else [],
        }
        for promise, missed in (("latency", True), ("success", False))
    ]
    unit(tmp_path, groups(), series, expressions=expected)


def test_the_slowest_window_fires_at_exactly_the_budget_and_says_so() -> None:
    (slow,) = [
        rule
        for rule in alert_group(slo(), ADDRESSES)["rules"]  # type: ignore[attr-defined]
        if rule["alert"] == "SuccessBudgetBurns" and rule["labels"]["window"] == "3d"
    ]
    told = slow["annotations"]["description"]
    assert "at least as many as the budget has room for" in told


def test_an_alert_says_what_was_promised_and_where_to_look(tmp_path: Path) -> None:
    series = Series().requests("0+985x60").requests("0+15x60", "500")
    told = {
        "summary": "shop in production misses its promise of success",
        "description": (
            "Promised: 99.9 % of the requests get no server error. Missed in the last 1h: 1.5%, at least 14.4 times as many as"
            " the budget has room for. If this goes on, the budget of 30 days lasts 2.1 days."
        ),
        "runbook_url": "https://git.example/shop/blob/main/manifests/monitoring/runbooks/SuccessBudgetBurns.md",
        "dashboard_url": "https://grafana.example/d/slo-shop?var-namespace=production",
    }
    labels = {"namespace": "production", "service": "shop", "promise": "success"}
    alert = {"exp_labels": {**labels, "severity": "page", "window": "1h"}, "exp_annotations": told}
    (fast,) = [
        rule
        for rule in alert_group(slo(), ADDRESSES)["rules"]  # type: ignore[attr-defined]
        if rule["alert"] == "SuccessBudgetBurns" and rule["labels"]["window"] == "1h"
    ]
    made = [*recording_groups(slo()), {"name": "fast", "rules": [fast]}]
    asked = {"alertname": "SuccessBudgetBurns", "eval_time": "30m", "exp_alerts": [alert]}
    unit(tmp_path, made, series.values, alerts=[asked])


def test_a_promise_that_can_hardly_be_missed_has_only_alerts_that_can_fire() -> None:
    rules = alert_group(slo(SLO.replace("success: 99.9", "success: 80")), ADDRESSES)["rules"]
    assert isinstance(rules, list)
    windows = [rule["labels"]["window"] for rule in rules if rule["alert"] == "SuccessBudgetBurns"]
    assert windows == ["1d", "3d"]


def test_every_alert_has_a_runbook_and_every_runbook_an_alert() -> None:
    rules = alert_group(slo(), ADDRESSES)["rules"]
    assert isinstance(rules, list)
    assert {rule["alert"] for rule in rules} == set(texts())
    for name, text in texts().items():
        assert text.startswith(f"# {name}\n")
        assert "{" not in text


def test_a_dashboards_address_is_short_enough_and_its_own() -> None:
    assert dashboard_uid(slo()) == "slo-shop"
    made = [dashboard_uid(replace(slo(), name="a" * 41 + end)) for end in "bc"]
    assert len(set(made)) == 2
    assert {len(uid) for uid in made} == {40}
