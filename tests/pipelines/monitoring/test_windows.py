"""Burn-rate windows: the factors that everyone uses, and their scale."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.slo import FAST_BURN
from pipelines.monitoring.windows import WINDOWS, hours, lengths, possible


def test_the_factors_of_thirty_days_are_those_of_the_workbook() -> None:
    assert [window.factor(30) for window in WINDOWS] == [14.4, 6, 3, 1]


def test_the_gate_after_a_switch_and_the_fastest_page_are_about_the_same_rate() -> None:
    assert WINDOWS[0].factor(30) == FAST_BURN


@given(st.integers(1, 366))
def test_what_is_spent_in_the_long_window_is_the_share_of_the_budget(days: int) -> None:
    for window in WINDOWS:
        spent = window.factor(days) * hours(window.long) / (days * 24)
        assert spent == pytest.approx(window.spent, rel=0.02)


def test_the_short_window_is_a_twelfth_of_the_long_one() -> None:
    assert {hours(window.long) / hours(window.short) for window in WINDOWS} == {12}


def test_every_window_is_recorded_once_the_shortest_first() -> None:
    assert lengths() == ("5m", "30m", "1h", "2h", "6h", "1d", "3d")


@given(st.floats(1e-5, 0.5), st.integers(1, 366))
def test_no_alert_waits_for_more_failures_than_there_are_requests(budget: float, days: int) -> None:
    for window in WINDOWS:
        assert (window in possible(budget, days)) == (window.factor(days) * budget < 1)
