"""A promise in the plan: read strictly, and what its budget is."""

from typing import Any

import pytest

from delivery.errors import PlanError
from delivery.slo import FAST_BURN, Slo, read_slo

VALUES: dict[str, Any] = {
    "name": "shop",
    "window_days": 30,
    "success": 99.9,
    "latency": {"percent": 99, "milliseconds": 250},
    "handlers": ["/api/items/{id}"],
    "path": "/api/items/1",
}


def slo(**changes: object) -> Slo:
    """Read a promise."""
    found = read_slo({**VALUES, **changes}, "plan: shop: slo")
    assert found is not None
    return found


def test_every_value_is_read() -> None:
    assert slo() == Slo("shop", 30, 99.9, 99.0, 250.0, ("/api/items/{id}",), "/api/items/1")


def test_a_service_need_not_promise_anything() -> None:
    assert read_slo(None, "plan") is None


def test_a_service_without_metrics_names_no_handlers() -> None:
    values = {key: value for key, value in VALUES.items() if key != "handlers"}
    found = read_slo(values, "plan")
    assert found is not None
    assert found.handlers == ()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"success": 100}, r"slo.success is 100, not a number from 50 to 99.999"),
        ({"success": None}, r"slo.success is missing"),
        ({"window_days": 0}, r"slo.window_days is 0, not a whole number from 1 to 366"),
        ({"latency": {"percent": 99}}, r"slo.latency.milliseconds is missing"),
        ({"latency": {**VALUES["latency"], "p": 1}}, r"slo.latency.p is no key"),
        ({"handlers": "/"}, r"slo.handlers is '/', not a list"),
        ({"path": "api"}, r"slo.path is 'api', not a path"),
        ({"sucess": 99}, r"slo.sucess is no key that is known here, did you mean 'success'\?"),
    ],
)
def test_a_wrong_promise_is_told_by_its_key(changes: dict[str, object], message: str) -> None:
    with pytest.raises(PlanError, match=message):
        slo(**changes)


@pytest.mark.parametrize(("percent", "budget"), [(99.9, 0.001), (99.95, 0.0005), (50, 0.5)])
def test_the_budget_is_what_the_promise_leaves(percent: float, budget: float) -> None:
    assert slo(success=percent).budget == budget


def test_the_burn_rate_is_how_many_budgets_are_used_at_once() -> None:
    promise = slo(success=99)
    assert promise.burn_rate(0) == 0
    assert promise.burn_rate(0.01) == pytest.approx(1)
    assert promise.burn_rate(1) == pytest.approx(100)


def test_the_fast_burn_takes_two_percent_of_thirty_days_in_an_hour() -> None:
    hours = 30 * 24
    assert hours * 0.02 == pytest.approx(FAST_BURN)
