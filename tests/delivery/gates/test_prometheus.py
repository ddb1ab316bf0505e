"""Gates that ask Prometheus: a real one, with the metrics that our services have."""

import math
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.cluster import Cluster
from delivery.gate import Policy, Result, Verdict
from delivery.gates.burn_rate import read_burn_rate
from delivery.gates.prometheus import Bounds, read_prometheus, words_for
from delivery.settings import Settings
from delivery.slo import Slo
from tests.delivery.prometheus import Prometheus, prometheus
from tests.delivery.servers import HANG, acting, alive, always, serving, subject

NOWHERE = Cluster(None, Path("/nowhere"))
SLO = Slo("shop", 30, 99.0, 95.0, 250.0, ("/api/items/{id}", "/"), "/")
TOTAL = 'sum(http_requests_total{service="$service",namespace="$namespace"})'


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Run Prometheus, and a shop that it scrapes: some requests, then 980 more and 20 that failed.

    Counts begin high: an increase is stretched towards the ends of its window as far as the counter's zero allows.
    """
    with prometheus(tmp_path_factory.mktemp("prometheus")) as started:
        shop = started.shop
        for status in (200, 500):
            shop.count("/api/items/{id}", status, 100_000)
            shop.count("/other", status, 100_000)
        started.settle("sum(http_requests_total)", 400_000)
        shop.count("/api/items/{id}", 200, 980)
        shop.count("/api/items/{id}", 500, 20)
        shop.count("/other", 500, 5000)
        started.settle("sum(http_requests_total)", 406_000)
        yield started


def judge(address: str, **values: object) -> Verdict:
    """Ask a gate."""
    gate = read_prometheus(Settings(values, "plan: gate"), "asked", Policy(), address)
    return gate.judge(NOWHERE, subject(), alive)


@pytest.mark.parametrize(
    ("query", "bounds", "result", "reason"),
    [
        (TOTAL, {"at_least": 400_000}, Result.PASS, "406000, wanted at least 400000"),
        (TOTAL, {"at_most": 400_000}, Result.FAIL, "406000, wanted at most 400000"),
        (
            TOTAL,
            {"at_least": 1, "at_most": 406_000},
            Result.PASS,
            "406000, wanted from 1 to 406000",
        ),
        ('sum(up{service="other"})', {"at_most": 1}, Result.NO_DATA, "the query gives no number"),
        ("vector(0)/0", {"at_most": 1}, Result.NO_DATA, "the query gives no number"),
        ("1/0", {"at_most": 1}, Result.FAIL, "inf, wanted at most 1"),
        ("sum(", {"at_most": 1}, Result.ERROR, "Prometheus refuses 'sum('"),
        ("up[1m]", {"at_most": 1}, Result.ERROR, "gives a matrix"),
        (
            'count_over_time(up{service="$service"}[${seconds}s]) * 0',
            {"at_most": 0},
            Result.PASS,
            "0",
        ),
    ],
)
def test_a_number_is_compared_with_the_bounds(
    running: Prometheus, query: str, bounds: dict[str, float], result: Result, reason: str
) -> None:
    verdict = judge(running.address, query=query, **bounds)
    assert (verdict.result, reason in verdict.reason) == (result, True), verdict


def test_of_several_series_the_one_outside_decides(running: Prometheus) -> None:
    by_status = 'sum by (status) (http_requests_total{handler="/other"})'
    verdict = judge(running.address, query=by_status, at_most=102_000)
    assert verdict.result is Result.FAIL
    assert verdict.reason == "105000 (status=500), wanted at most 102000"
    assert verdict.numbers == {"value": 105_000, "series": 2}
    assert judge(running.address, query=by_status, at_most=109_000).result is Result.PASS


def test_a_series_without_a_number_does_not_hide_the_others(running: Prometheus) -> None:
    mixed = 'sum by (status) (http_requests_total{handler="/other"} - 100000) / 0'
    verdict = judge(running.address, query=mixed, at_most=1)
    assert (verdict.result, verdict.numbers["series"]) == (Result.FAIL, 1)


@pytest.mark.parametrize(("minimum", "result"), [(406_000, Result.PASS), (406_001, Result.NO_DATA)])
def test_too_few_samples_are_no_data(running: Prometheus, minimum: int, result: Result) -> None:
    samples = {"query": TOTAL, "minimum": minimum}
    verdict = judge(running.address, query="vector(0)", at_most=1, samples=samples)
    assert verdict.result is result
    assert verdict.numbers["samples"] == 406_000


def test_no_samples_at_all_are_no_data_whatever_the_minimum(running: Prometheus) -> None:
    samples = {"query": "absent_metric"}
    verdict = judge(running.address, query="vector(0)", at_most=1, samples=samples)
    assert (verdict.result, verdict.reason) == (Result.NO_DATA, "0 samples, fewer than 1")


def test_a_prometheus_that_hangs_or_is_not_there_is_an_error() -> None:
    with serving(acting(HANG)) as (_, target):
        address = f"http://127.0.0.1:{target.port}"
        for kind in ({"samples": {"query": "up"}}, {}):
            more: dict[str, object] = {"patience_seconds": 0.2, **kind}
            verdict = judge(address, query="up", at_most=1, **more)
            assert verdict.result is Result.ERROR
            assert "gives no answer: timeout" in verdict.reason
    assert judge(address, query="up", at_most=1).result is Result.ERROR


def test_a_query_knows_whom_it_is_about() -> None:
    since = datetime.now(UTC) - timedelta(seconds=30)
    words = words_for(subject(since=since))
    assert (words["namespace"], words["service"], words["colour"]) == ("near", "shop", "green")
    assert 30 <= int(words["seconds"]) <= math.ceil((datetime.now(UTC) - since).total_seconds())
    assert words_for(subject(since=datetime.now(UTC) + timedelta(hours=1)))["seconds"] == "1"


@given(st.floats(allow_nan=False), st.floats(allow_nan=False), st.floats(allow_nan=False))
def test_bounds_hold_what_lies_between(low: float, high: float, value: float) -> None:
    assert Bounds(low, high).holds(value) == (value >= low and value <= high)
    assert not Bounds(low, high).holds(math.nan)


def burn(running: Prometheus, since: datetime | None = None, **values: object) -> Verdict:
    """Ask the burn rate gate, as of a release of an hour ago."""
    settings = Settings({"window_seconds": 600, **values}, "plan: gate")
    gate = read_burn_rate(settings, "budget", Policy(), SLO, running.address)
    return gate.judge(
        NOWHERE, subject(since=since or datetime.now(UTC) - timedelta(hours=1)), alive
    )


def test_a_budget_that_burns_slower_than_the_factor_passes(running: Prometheus) -> None:
    """Twenty of a thousand failed where ten may: twice as fast as promised. /other does not count."""
    verdict = burn(running, factor=14.4)
    assert verdict.result is Result.PASS, verdict
    assert verdict.numbers["burn_rate"] == pytest.approx(2, rel=0.02)
    assert verdict.numbers["requests"] >= 1000


def test_a_budget_that_burns_too_fast_fails(running: Prometheus) -> None:
    verdict = burn(running, factor=1.9)
    assert verdict.result is Result.FAIL
    assert verdict.reason == "the error budget burns 2.0 times as fast as promised, at most 1.9"


def test_too_few_requests_tell_nothing_about_a_budget(running: Prometheus) -> None:
    assert burn(running, minimum=1e6).result is Result.NO_DATA
    elsewhere = burn(running, labels={"service": "cart"})
    assert elsewhere.result is Result.NO_DATA
    assert elsewhere.reason == "0 requests in 600 s, fewer than 20"


def test_a_count_that_is_no_number_passes_nobody() -> None:
    told = b'{"status": "success", "data": {"resultType": "vector", "result": [%s]}}'
    series = told % b'{"metric": {}, "value": [1, "NaN"]}'
    with serving(always(200, series)) as (_, target):
        gate = read_burn_rate(
            Settings({}, ""), "budget", Policy(), SLO, f"http://127.0.0.1:{target.port}"
        )
        assert gate.judge(NOWHERE, subject(), alive).result is Result.NO_DATA


def test_failures_of_the_release_before_are_not_this_ones(tmp_path: Path) -> None:
    """A release that repairs a failing service must be able to pass."""
    with prometheus(tmp_path) as running:
        shop = running.shop
        for status in (200, 500):
            shop.count("/", status, 1000)
        running.settle("sum(http_requests_total)", 2000)
        shop.count("/", 500, 1000)
        running.settle("sum(http_requests_total)", 3000)
        began = datetime.now(UTC)
        before = burn(running, began - timedelta(seconds=300), factor=14.4)
        assert before.result is Result.FAIL
        time.sleep(3)
        shop.count("/", 200, 1000)
        running.settle("sum(http_requests_total)", 4000)
        verdict = burn(running, began + timedelta(seconds=1), factor=14.4)
    assert verdict.result is Result.PASS, verdict
    assert verdict.numbers["failed"] == 0


def test_labels_of_the_scrape_can_be_others(running: Prometheus) -> None:
    assert burn(running, labels={"job": "$service", "method": "GET"}).result is Result.PASS


def test_a_budget_without_prometheus_is_an_error() -> None:
    gate = read_burn_rate(Settings({}, ""), "budget", Policy(), SLO, "http://127.0.0.1:1")
    verdict = gate.judge(NOWHERE, subject(), alive)
    assert verdict.result is Result.ERROR
    assert "connection refused" in verdict.reason
