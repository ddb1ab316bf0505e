"""What a series of requests comes to, whatever order its outcomes come in."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.sample import Outcome, Sample, percentile, summarize

times = st.floats(min_value=0, max_value=1e6)
outcomes = st.lists(
    st.builds(
        Outcome,
        place=st.just(0),
        milliseconds=times,
        failure=st.sampled_from(["", "", "status 500", "timeout"]),
        way=st.sampled_from(["", "", "", "refused"]),
        timed=st.booleans(),
        lag_ms=times,
    ),
    max_size=60,
).map(lambda found: [_at(place, each) for place, each in enumerate(found)])


def _at(place: int, each: Outcome) -> Outcome:
    return Outcome(place, each.milliseconds, each.failure, each.way, each.timed, each.lag_ms)


@given(st.lists(times, min_size=1), st.floats(min_value=0.001, max_value=100))
def test_a_percentile_is_the_smallest_value_that_covers_enough(
    values: list[float], percent: float
) -> None:
    ordered = sorted(values)
    found = percentile(ordered, percent)
    assert found in values
    needed = len(values) * percent / 100
    assert sum(value <= found for value in values) >= needed - 1e-9
    assert sum(value < found for value in values) < math.ceil(needed)


@pytest.mark.parametrize(
    ("count", "p50", "p99"), [(0, 0, 0), (1, 1, 1), (2, 1, 2), (100, 50, 99), (101, 51, 100)]
)
def test_known_percentiles(count: int, p50: float, p99: float) -> None:
    found = [float(value) for value in range(1, count + 1)]
    assert (percentile(found, 50), percentile(found, 99)) == (p50, p99)


@given(outcomes, st.randoms(use_true_random=False))
def test_the_order_in_which_requests_end_does_not_matter(
    found: list[Outcome], chance: random.Random
) -> None:
    shuffled = list(found)
    chance.shuffle(shuffled)
    assert summarize(shuffled) == summarize(found)


@given(outcomes)
def test_every_request_is_counted_once(found: list[Outcome]) -> None:
    sample = summarize(found)
    assert sample.sent + sample.unmeasured == len(found)
    assert sample.failed == sum(sample.failures.values()) <= sample.sent
    assert bool(sample.failed) == bool(sample.first_failure) == bool(sample.worst_run)
    assert sample.worst_run <= sample.failed
    assert bool(sample.unmeasured) == bool(sample.way)
    assert sample.p50_ms <= sample.p99_ms <= sample.max_ms
    if sample.sent:
        assert sample.success_percent == pytest.approx(
            100 * (sample.sent - sample.failed) / sample.sent
        )


@given(outcomes, times, times)
def test_a_longer_limit_never_counts_fewer(found: list[Outcome], one: float, two: float) -> None:
    sample = summarize(found)
    low, high = sorted((one, two))
    assert 0 <= sample.within(low) <= sample.within(high) <= len(sample.times)
    if sample.times:
        assert sample.within(sample.max_ms) == len(sample.times)
        assert sample.within(sample.p99_ms) >= 0.99 * len(sample.times)


@given(outcomes)
def test_without_its_own_lateness_nothing_takes_longer(found: list[Outcome]) -> None:
    sample = summarize(found)
    assert len(sample.least_times) == len(sample.times)
    assert all(
        0 <= least <= time for least, time in zip(sample.least_times, sample.times, strict=True)
    )
    assert sample.lag_ms == max((each.lag_ms for each in found), default=0)


def test_an_empty_sample_has_no_success_and_no_speed() -> None:
    assert summarize([]) == Sample()
    assert (Sample().success_percent, Sample().within(1000)) == (0, 0)


def test_the_longest_row_is_that_of_requests_that_follow_each_other() -> None:
    failures = ["", "a", "a", "", "b", "b", "b", ""]
    found = [Outcome(place, 1, failure) for place, failure in enumerate(failures)]
    sample = summarize(reversed(found))
    assert (sample.worst_run, sample.first_failure) == (3, "a")
    assert sample.failures == {"b": 3, "a": 2}


def test_what_was_lost_on_the_way_neither_makes_nor_breaks_a_row() -> None:
    lost = Outcome(1, 1, way="refused")
    sample = summarize([Outcome(0, 1, "timeout"), lost, Outcome(2, 1, "timeout")])
    assert (sample.sent, sample.unmeasured, sample.worst_run, sample.way) == (2, 1, 2, "refused")


def test_the_speed_is_that_of_what_was_waited_for() -> None:
    """A connection that is refused at once does not make a service fast."""
    refused = [Outcome(place, 0.1, "connection refused", timed=False) for place in range(99)]
    assert summarize([*refused, Outcome(99, 800.0)]).p50_ms == 800
    assert summarize(refused).p99_ms == 0


def test_the_record_keeps_a_handful_of_numbers() -> None:
    sample = summarize([Outcome(0, 1.23456), Outcome(1, 2, "timeout"), Outcome(2, 1, way="x")])
    assert sample.numbers == {
        "sent": 2.0,
        "failed": 1.0,
        "unmeasured": 1.0,
        "p50_ms": 1.235,
        "p99_ms": 2.0,
        "lag_ms": 0.0,
    }
