"""How late this program is: measured, and told apart from the lateness of others."""

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.lateness import OWN_SHARE, Lateness, excuse

moments = st.floats(min_value=0, max_value=100)
stretches = st.lists(st.tuples(moments, moments), max_size=20).map(
    lambda found: _apart(sorted(moment for pair in found for moment in pair))
)


def _apart(ordered: list[float]) -> list[tuple[float, float]]:
    """Make stretches of time, one after the other, of an even number of moments."""
    return list(zip(ordered[::2], ordered[1::2], strict=True))


def noted(found: list[tuple[float, float]]) -> Lateness:
    """Make one that has ended and noted these stretches."""
    lateness = Lateness()
    lateness._due_at = [due for due, _ in found]
    lateness._came_at = [came for _, came in found]
    lateness._ended.set()
    return lateness


@given(stretches, moments, moments)
def test_lateness_is_what_the_stretches_share_with_the_time_asked_for(
    found: list[tuple[float, float]], one: float, two: float
) -> None:
    begin, end = sorted((one, two))
    shared = sum(max(0, min(end, came) - max(begin, due)) for due, came in found)
    assert noted(found).seconds(begin, end) == pytest.approx(shared)


@given(stretches, st.lists(moments, min_size=3, max_size=3).map(sorted))
def test_lateness_adds_up_and_is_never_more_than_the_time(
    found: list[tuple[float, float]], at: list[float]
) -> None:
    lateness = noted(found)
    first, second = lateness.seconds(at[0], at[1]), lateness.seconds(at[1], at[2])
    assert lateness.seconds(at[0], at[2]) == pytest.approx(first + second)
    assert -1e-9 <= first <= at[1] - at[0] + 1e-9


def test_a_tick_that_has_not_come_yet_is_late_already(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asks may be awake before the thread that ticks is."""
    gate = threading.Event()
    with Lateness() as lateness:
        wait = threading.Event.wait
        monkeypatch.setattr(lateness._ended, "wait", lambda _left: wait(gate, 30))
        time.sleep(0.3)
        now = time.monotonic()
        assert lateness.seconds(now - 0.2, now) == pytest.approx(0.2, abs=0.03)
        gate.set()
        monkeypatch.undo()


def test_who_holds_the_interpreter_makes_the_program_late() -> None:
    with Lateness() as lateness:
        time.sleep(0.05)
        begun = time.monotonic()
        # A search that does not let go of the interpreter.
        sum(range(30_000_000))
        ended = time.monotonic()
        time.sleep(0.05)
        late = lateness.seconds(begun, ended)
    assert (ended - begun) / 2 <= late <= ended - begun


def test_work_and_lateness_make_the_time() -> None:
    with Lateness() as lateness:
        begun = time.monotonic()
        sum(range(30_000_000))
        worked = lateness.worked(begun)
        now = time.monotonic()
        assert worked <= now - begun
        assert worked + lateness.seconds(begun, now) == pytest.approx(now - begun, abs=0.1)


def test_a_wait_is_excused_by_the_share_that_was_our_own() -> None:
    assert excuse(OWN_SHARE * 2 - 0.001, 2) == ""
    assert excuse(OWN_SHARE * 2, 2) == "this program itself was 1000 ms late"
