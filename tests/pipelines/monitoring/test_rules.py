"""Recording rules, evaluated by promtool: what they count, and what they do not."""

from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.monitoring.promise import Promise
from pipelines.monitoring.promql import by_label, quantile
from pipelines.monitoring.rules import recording_groups
from tests.pipelines.monitoring.promtool import SLO, Series, number, slo, unit

CHOSEN = '{namespace="production",service="shop",promise="%s"}'


def value(record: str, promise: str = "success") -> str:
    """Ask for the number of a record alone."""
    return f"sum({record}{CHOSEN % promise})"


def test_errors_are_server_errors_of_the_handlers_that_count(tmp_path: Path) -> None:
    series = Series().requests("0+540x120").requests("0+60x120", "500")
    series.requests("0+600x120", "404", handler="/api/items/{id}")
    series.requests("0+6000x120", "500", handler="/other")
    series.requests("0+6000x120", "500", service="shop-preview")
    expected = [
        number(value("slo:requests:rate5m"), "2h", 20),
        number(value("slo:errors:rate5m"), "2h", 1),
        *(number(value(f"slo:error_ratio:rate{each}"), "2h", 0.05) for each in ("5m", "1h", "6h")),
        number(value("slo:error_ratio:rate3d"), "2h", 0.05),
        number(value("slo:burn_rate:rate1h"), "2h", 50),
        number(value("slo:error_budget_remaining:ratio"), "2h", -49),
        number('sum(slo:objective:ratio{service="shop",promise="success"})', "2h", 0.999),
    ]
    rounded = [{**each, "expr": f"round({each['expr']}, 0.000001)"} for each in expected]
    unit(tmp_path, recording_groups(slo()), series.values, expressions=rounded)


def test_a_promise_of_many_nines_is_no_promise_of_all() -> None:
    promise = Promise(slo(), "success", 99.99999)
    assert promise.budget == 1e-7
    assert promise.words.startswith("99.99999 % ")
    made = recording_groups(replace(slo(), success=99.99999))
    rules = [rule for group in made for rule in group["rules"]]  # type: ignore[attr-defined]
    (objective,) = [
        rule["expr"]
        for rule in rules
        if rule["record"] == "slo:objective:ratio" and rule["labels"]["promise"] == "success"
    ]
    assert objective == "vector(0.9999999)"
    assert any(rule["expr"].endswith(" / 1e-07") for rule in rules)


def test_late_answers_are_those_outside_of_the_promised_bucket(tmp_path: Path) -> None:
    series = Series().times("0+600x60", "0+570x60")
    expected = [
        number(f"round({value('slo:errors:rate5m', 'latency')}, 0.000001)", "1h", 0.5),
        number(f"round({value('slo:error_ratio:rate1h', 'latency')}, 0.000001)", "1h", 0.05),
        number(f"round({value('slo:burn_rate:rate1h', 'latency')}, 0.000001)", "1h", 5),
    ]
    unit(tmp_path, recording_groups(slo()), series.values, expressions=expected)


def test_a_window_is_weighted_by_its_traffic(tmp_path: Path) -> None:
    """A bad hour of the night among busy ones is as small as it was for users."""
    series = Series().requests("0+60000x60 3600000+0x60").requests("0+0x60 0+60x60", "500")
    share = f"{value('slo:error_ratio:rate6h')} < bool 0.002"
    unit(tmp_path, recording_groups(slo()), series.values, expressions=[number(share, "2h", 1)])


def test_without_failures_there_is_a_number_and_it_is_zero(tmp_path: Path) -> None:
    found = number(value("slo:error_ratio:rate1h"), "30m", 0)
    left = number(value("slo:error_budget_remaining:ratio"), "30m", 1)
    series = Series().requests("0+60x60").values
    unit(tmp_path, recording_groups(slo()), series, expressions=[found, left])


def test_without_requests_there_is_no_share(tmp_path: Path) -> None:
    found = number(f"{value('slo:error_ratio:rate1h')} >= 0", "30m", None)
    unit(tmp_path, recording_groups(slo()), Series().requests("5+0x60").values, expressions=[found])


def test_namespaces_are_kept_apart(tmp_path: Path) -> None:
    series = Series().requests("0+60x60").requests("0+60x60", "500", namespace="staging")
    found = [
        number(f'sum(slo:error_ratio:rate5m{{promise="success",namespace="{name}"}})', "30m", share)
        for name, share in (("production", 0), ("staging", 1))
    ]
    unit(tmp_path, recording_groups(slo()), series.values, expressions=found)


@pytest.mark.parametrize("text", ["1", "1.0"])
def test_a_bucket_of_whole_seconds_is_found_as_any_client_writes_it(
    text: str, tmp_path: Path
) -> None:
    promised = slo(SLO.replace("milliseconds: 250", "milliseconds: 1000"))
    labels = '{namespace="production",service="shop",handler="/",method="GET",status="200"'
    series = {
        f"http_request_duration_seconds_count{labels}}}": "0+600x60",
        f'http_request_duration_seconds_bucket{labels},le="{text}"}}': "0+570x60",
        f'http_request_duration_seconds_bucket{labels},le="10"}}': "0+600x60",
    }
    found = number(f"round({value('slo:errors:rate5m', 'latency')}, 0.000001)", "1h", 0.5)
    unit(tmp_path, recording_groups(promised), series, expressions=[found])


@pytest.mark.parametrize("where", ["exported_namespace", "namespace"])
def test_a_service_without_metrics_is_counted_by_the_ingress(where: str, tmp_path: Path) -> None:
    """Its namespace is the one that users were sent to, not the one that the ingress runs in."""
    promised = slo(SLO.replace('handlers: [/, "/api/items/{id}"]\n', ""))
    own = '"ingress-nginx"' if where == "exported_namespace" else '"production"'
    labels = f'namespace={own},{where}="production"' if own[1] == "i" else f"namespace={own}"
    series = {
        f'nginx_ingress_controller_requests{{{labels},ingress="shop",status="200"}}': "0+540x60",
        f'nginx_ingress_controller_requests{{{labels},ingress="shop",status="502"}}': "0+60x60",
        f'nginx_ingress_controller_requests{{{labels},ingress="cart",status="502"}}': "0+900x60",
        f'nginx_ingress_controller_request_duration_seconds_count{{{labels},ingress="shop"}}': (
            "0+600x60"
        ),
        f'nginx_ingress_controller_request_duration_seconds_bucket{{{labels},ingress="shop",le="0.25"}}': (
            "0+540x60"
        ),
    }
    found = [
        number(f"round({value('slo:error_ratio:rate1h', promise)}, 0.000001)", "30m", 0.1)
        for promise in ("success", "latency")
    ]
    unit(tmp_path, recording_groups(promised), series, expressions=found)


@pytest.mark.parametrize(
    "own",
    [
        'namespace="production"',
        'namespace="ingress-nginx",exported_namespace="production"',
        'namespace="ingress-nginx",exported_namespace="staging"',
    ],
)
def test_a_dashboard_counts_what_the_rules_count_however_the_ingress_is_scraped(
    own: str, tmp_path: Path
) -> None:
    promised = slo(SLO.replace('handlers: [/, "/api/items/{id}"]\n', ""))
    requests, seconds = (
        "nginx_ingress_controller_requests",
        "nginx_ingress_controller_request_duration_seconds",
    )
    series = {
        f'{requests}{{{own},ingress="shop",status="200"}}': "0+600x60",
        f'{seconds}_count{{{own},ingress="shop"}}': "0+600x60",
        f'{seconds}_bucket{{{own},ingress="shop",le="0.25"}}': "0+600x60",
        f'{seconds}_bucket{{{own},ingress="shop",le="+Inf"}}': "0+600x60",
    }
    here = None if "staging" in own else 10
    median = None if "staging" in own else 0.125
    found = [
        number(f"sum({by_label(promised, 'status', '5m', 'production')})", "30m", here),
        number(f"sum({value('slo:requests:rate5m')})", "30m", here),
        number(f"{quantile(promised, 0.5, '5m', 'production')}", "30m", median),
    ]
    unit(tmp_path, recording_groups(promised), series, expressions=found)
