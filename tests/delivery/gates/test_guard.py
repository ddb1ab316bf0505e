"""The guard: a gate ends in time, never raises, and is asked again where that helps."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.cluster import Cluster
from delivery.gate import Answer, Policy, Result, Subject, Verdict, blocks
from delivery.gates.guard import Guarded, Retry
from tests.delivery.servers import Stopped, alive, stop_after, subject

NOWHERE = Cluster(None, Path("/nowhere"))


@dataclass
class Told:
    """A gate that says what the test says, in turn; the last for ever."""

    results: list[Result | Exception | float]
    policy: Policy = field(default_factory=Policy)
    name: str = "told"
    bound_seconds: float = 0.2
    asked: int = 0
    stopped: threading.Event = field(default_factory=threading.Event)

    def judge(self, _cluster: Cluster, _subject: Subject, go_on: Callable[[], None]) -> Verdict:
        """Answer, raise, or take so many seconds while asking whether to go on."""
        self.asked += 1
        found = self.results[min(self.asked, len(self.results)) - 1]
        if isinstance(found, Exception):
            raise found
        if isinstance(found, float):
            end = time.monotonic() + found
            try:
                while time.monotonic() < end:
                    go_on()
                    time.sleep(0.01)
            except BaseException:
                self.stopped.set()
                raise
            found = Result.PASS
        return Verdict(self.name, found, f"verdict {self.asked}")


def judge(
    gate: Told, times: int = 0, go_on: Callable[[], None] = alive, margin: float = 60
) -> Verdict:
    """Ask a gate with a guard."""
    return Guarded(gate, Retry(times, 0), margin).judge(NOWHERE, subject(), go_on)


@pytest.mark.parametrize("result", list(Result))
def test_a_verdict_is_passed_on(result: Result) -> None:
    assert judge(Told([result])) == Verdict("told", result, "verdict 1")


@pytest.mark.parametrize("error", [OSError("gone"), KeyError("status"), ValueError("odd")])
def test_whatever_goes_wrong_is_an_error_and_no_exception(error: Exception) -> None:
    verdict = judge(Told([error]))
    assert verdict.result is Result.ERROR
    assert type(error).__name__ in verdict.reason


def test_a_gate_that_does_not_end_is_left_behind_with_an_error() -> None:
    gate = Told([600.0])
    verdict = judge(gate, margin=0.2)
    assert (verdict.result, verdict.reason) == (Result.ERROR, "no verdict within 0.4 s")
    assert gate.stopped.wait(60)


def test_a_gate_that_waits_for_its_time_is_not_cut_off() -> None:
    assert judge(Told([0.5], bound_seconds=0.1)).result is Result.PASS


def test_what_this_program_was_late_itself_is_not_the_gates_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Every tick comes half a second late, as on a machine that gives this program no time."""
    wait = threading.Event.wait

    def late(self: threading.Event, left: float | None = None) -> bool:
        return wait(self, None if left is None else left + 0.5)

    monkeypatch.setattr(threading.Event, "wait", late)
    assert judge(Told([1.5]), margin=0.2).result is Result.PASS


def test_what_alive_raises_comes_through_and_the_gate_is_told() -> None:
    gate = Told([600.0], bound_seconds=600)
    with pytest.raises(Stopped):
        judge(gate, go_on=stop_after(0.1))
    assert gate.stopped.wait(60)


def test_alive_is_asked_while_a_gate_is_slow_to_ask_itself() -> None:
    """The gate takes as long as it takes to be asked for three times, and never asks itself."""
    asked: list[float] = []

    @dataclass
    class Silent(Told):
        def judge(
            self, _cluster: Cluster, _subject: Subject, _go_on: Callable[[], None]
        ) -> Verdict:
            while len(asked) < 3:
                time.sleep(0.01)
            return Verdict(self.name, Result.PASS, "asked three times")

    verdict = judge(Silent([]), go_on=lambda: asked.append(time.monotonic()))
    assert verdict.result is Result.PASS


@given(st.lists(st.sampled_from(list(Result)), min_size=1, max_size=5), st.integers(0, 4))
def test_only_what_could_not_be_found_out_is_asked_again(results: list[Result], times: int) -> None:
    gate = Told(list(results))
    verdict = judge(gate, times)
    open_ = [result in (Result.ERROR, Result.NO_DATA) for result in results]
    certain = open_.index(False) + 1 if False in open_ else times + 1
    assert gate.asked == min(certain, times + 1)
    assert verdict.result is results[min(gate.asked, len(results)) - 1]


def test_between_two_tries_it_pauses_and_still_asks_whether_to_go_on() -> None:
    guarded = Guarded(Told([Result.NO_DATA]), Retry(5, 60))
    with pytest.raises(Stopped):
        guarded.judge(NOWHERE, subject(), stop_after(0.2))
    slow = Told([Result.ERROR])
    begun = time.monotonic()
    Guarded(slow, Retry(2, 0.15), margin=60).judge(NOWHERE, subject(), alive)
    assert time.monotonic() - begun >= 0.3
    assert slow.asked == 3


def test_name_and_policy_are_the_gates() -> None:
    policy = Policy(error=Answer.GO)
    guarded = Guarded(Told([Result.PASS], policy, "front"), Retry())
    assert (guarded.name, guarded.policy) == ("front", policy)


@given(st.builds(Policy, st.sampled_from(Answer), st.sampled_from(Answer), st.integers(1, 9)))
def test_a_fail_always_blocks_a_pass_never_and_the_rest_is_policy(policy: Policy) -> None:
    assert blocks(policy, Result.FAIL)
    assert not blocks(policy, Result.PASS)
    assert blocks(policy, Result.ERROR) == (policy.error is Answer.BLOCK)
    assert blocks(policy, Result.NO_DATA) == (policy.no_data is Answer.BLOCK)
