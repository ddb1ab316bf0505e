"""The gate that sends requests of its own: targets, minimum, lateness, and the other colour beside it."""

import os
import select
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.gate import Policy, Result, Stage, Verdict
from delivery.gates.requests import RequestsGate, Targets, read_requests
from delivery.sample import Outcome, Sample, summarize
from delivery.settings import Settings
from tests.delivery.servers import (
    HANG,
    Act,
    Asked,
    Behaviour,
    Stopped,
    acting,
    always,
    answer,
    cluster_of,
    in_turn,
    stop_after,
    subject,
)

TARGETS = Targets(success_percent=99, latency_percent=95, latency_ms=250, worst_run=1000, factor=0)


def sample(good: int = 0, failed: int = 0, slow: int = 0, lost: int = 0, lag: float = 0) -> Sample:
    """Make a sample: good ones take 20 ms, slow ones 900 ms."""
    made = [(20.0, "", "")] * good + [(900.0, "", "")] * slow
    made += [(5.0, "status 500", "")] * failed + [(1.0, "", "kubectl proxy has ended")] * lost
    return summarize(
        Outcome(place, took, failure, way, lag_ms=lag)
        for place, (took, failure, way) in enumerate(made)
    )


@pytest.mark.parametrize(
    ("given_", "minimum", "result", "reason"),
    [
        (sample(good=100), 100, Result.PASS, "as promised"),
        (sample(good=99, failed=1), 100, Result.PASS, "as promised"),
        (sample(good=98, failed=2), 100, Result.FAIL, "98.00 % are good, wanted 99: 2 status 500"),
        (sample(good=95, slow=5), 100, Result.PASS, "as promised"),
        (
            sample(good=94, slow=6),
            100,
            Result.FAIL,
            "94.00 % are answered within 250 ms, wanted 95",
        ),
        (sample(slow=5), 100, Result.NO_DATA, "only 5 requests were measured, fewer than 100"),
        (sample(slow=6), 100, Result.FAIL, "0.00 % are answered within 250 ms, wanted 95; p99 is"),
        (sample(good=10), 100, Result.NO_DATA, "only 10 requests were measured, fewer than 100"),
        (sample(failed=1), 100, Result.NO_DATA, "only 1 requests were measured, fewer than 100"),
        (sample(failed=2), 100, Result.FAIL, "0.00 % are good, wanted 99: 2 status 500"),
        (sample(), 1, Result.NO_DATA, "no request was sent"),
        (sample(lost=5), 1, Result.ERROR, "kubectl proxy has ended"),
        (sample(good=50, lost=50), 60, Result.ERROR, "fewer than 60: kubectl proxy has ended"),
        (sample(good=50, lost=50), 50, Result.ERROR, "50 requests were lost on the way"),
        (sample(good=95, lost=5), 50, Result.PASS, "as promised"),
        (sample(failed=50, lost=50), 50, Result.FAIL, "0.00 % are good"),
        (sample(good=90, slow=10, lag=700), 50, Result.ERROR, "itself was up to 700 ms late"),
        (sample(good=90, slow=10, lag=600), 50, Result.FAIL, "90.00 % are answered within"),
        (sample(good=100, lag=700), 50, Result.PASS, "as promised"),
    ],
)
def test_a_sample_is_judged_by_what_is_certain(
    given_: Sample, minimum: int, result: Result, reason: str
) -> None:
    judged, told = TARGETS.judge(given_, minimum, None)
    assert (judged, reason in told) == (result, True), told


def test_a_row_of_failures_fails_whatever_the_share() -> None:
    targets = Targets(50, 50, 250, worst_run=4, factor=0)
    assert targets.judge(sample(good=900, failed=4), 100, None)[0] is Result.PASS
    judged, told = targets.judge(sample(good=900, failed=5), 100, None)
    assert (judged, told) == (Result.FAIL, "5 failures in a row: status 500")


@pytest.mark.parametrize(
    ("mine", "other", "result"),
    [
        (sample(good=50, slow=50), sample(good=60, slow=40), Result.PASS),
        (sample(good=50, slow=50), sample(good=100), Result.FAIL),
        (sample(good=50, slow=50), sample(good=6, slow=4), Result.FAIL),
        (sample(failed=9), sample(failed=200), Result.FAIL),
        (sample(good=80, failed=20), sample(good=90, failed=10), Result.PASS),
        (sample(good=80, failed=20), sample(good=91, failed=9), Result.FAIL),
        (sample(good=50, slow=50, failed=20), sample(good=60, slow=40), Result.FAIL),
    ],
)
def test_a_missed_target_counts_when_the_other_colour_is_better(
    mine: Sample, other: Sample, result: Result
) -> None:
    """Twice as bad is let off here; too small a sample of the other colour excuses nothing."""
    targets = Targets(99, 95, 250, 1000, factor=2)
    judged, told = targets.judge(mine, 100, other)
    assert judged is result
    assert ("so it is with the other colour" in told) == (result is Result.PASS)
    assert TARGETS.judge(mine, 100, other)[0] is Result.FAIL


samples = st.builds(
    sample,
    good=st.integers(0, 300),
    failed=st.integers(0, 30),
    slow=st.integers(0, 30),
    lost=st.integers(0, 30),
    lag=st.floats(0, 300),
)
targets_ = st.builds(
    Targets,
    success_percent=st.floats(50, 100),
    latency_percent=st.floats(50, 100),
    latency_ms=st.sampled_from([10.0, 250.0, 1000.0]),
    worst_run=st.integers(0, 50),
    factor=st.sampled_from([0.0, 2.0]),
)


@given(samples, targets_, st.integers(1, 200), st.none() | samples)
def test_nothing_passes_on_nothing_and_nothing_fails_without_a_reason(
    found: Sample, targets: Targets, minimum: int, other: Sample | None
) -> None:
    result, told = targets.judge(found, minimum, other)
    assert told
    if result is Result.PASS:
        assert found.sent >= minimum
    if result is Result.ERROR:
        assert found.unmeasured or found.lag_ms
    if result is Result.FAIL:
        assert found.failed or found.max_ms > targets.latency_ms


@given(st.integers(0, 200), st.integers(0, 50), st.integers(1, 20), targets_, st.integers(1, 100))
def test_more_failures_never_make_a_verdict_better(
    good: int, failed: int, more: int, targets: Targets, minimum: int
) -> None:
    before, _ = targets.judge(sample(good, failed), minimum, None)
    after, _ = targets.judge(sample(good, failed + more), minimum, None)
    if before is Result.FAIL and failed:
        assert after is Result.FAIL


def test_a_latency_that_nobody_measured_is_no_data() -> None:
    refused = summarize(Outcome(place, 1, "refused", timed=False) for place in range(50))
    assert Targets(0, 95, 250, 1000, 0).judge(refused, 10, None)[0] is Result.NO_DATA


@given(samples, samples, targets_, st.integers(1, 100))
def test_what_is_hopeless_fails_whatever_comes_after_it(
    begun: Sample, rest: Sample, targets: Targets, minimum: int
) -> None:
    planned = max(minimum, begun.sent + rest.sent)
    if not targets.hopeless(begun, planned):
        return
    for given_ in (begun, sample(*(a + b for a, b in zip(parts(begun), parts(rest), strict=True)))):
        assert targets.judge(given_, minimum, None)[0] is Result.FAIL


@given(samples, targets_, st.integers(1, 200))
def test_what_this_program_was_late_itself_fails_nobody_and_lets_nobody_pass(
    found: Sample, targets: Targets, minimum: int
) -> None:
    """The same answers without lateness would have been judged at least as well, and never better than that."""
    punctual = replace(found, times=found.least_times, lag_ms=0.0)
    judged, _ = targets.judge(found, minimum, None)
    at_best, _ = targets.judge(punctual, minimum, None)
    at_worst, _ = targets.judge(replace(found, least_times=found.times, lag_ms=0.0), minimum, None)
    if judged is Result.FAIL:
        assert at_best is Result.FAIL
    if judged is Result.PASS:
        assert at_worst is Result.PASS


def parts(of: Sample) -> tuple[int, int, int]:
    """Take a sample of `sample` apart: good, failed, slow."""
    slow = len(of.times) - of.within(800)
    return of.sent - of.failed - slow, of.failed, slow


IN_TIME = 5000
"""Milliseconds in which an answer comes that is given at once, however busy the machine is."""


def gate(**values: object) -> RequestsGate:
    """Read a gate; half a second is enough for a test."""
    chosen = {
        "rate": 60,
        "seconds": 0.5,
        "patience_seconds": 20,
        "success": 99,
        "latency": {"percent": 90, "milliseconds": IN_TIME},
        **values,
    }
    return read_requests(Settings(chosen, "plan: gate"), "load", Policy(), None)


def judge(
    behaviour: Behaviour, folder: Path, made: RequestsGate | None = None, **more: str
) -> tuple[Verdict, list[str]]:
    """Judge a service; give the verdict and what was asked for."""
    with cluster_of(behaviour, folder) as (server, cluster):
        verdict = (made or gate()).judge(cluster, subject(**more), lambda: None)
    return verdict, server.paths


def test_a_good_service_passes_with_its_numbers(tmp_path: Path) -> None:
    verdict, paths = judge(always(), tmp_path)
    assert (verdict.result, verdict.reason) == (Result.PASS, "as promised")
    assert verdict.numbers["sent"] == len(paths) >= 30
    assert verdict.numbers["failed"] == 0
    assert verdict.numbers["p99_ms"] > 0


SLOW = {"latency": {"percent": 90, "milliseconds": 100}}
HANGING = {"patience_seconds": 1}


@pytest.mark.parametrize(
    ("behaviour", "reason", "values"),
    [
        (always(500), "0.00 % are good, wanted 99: ", {}),
        (in_turn(always(), always(), always(503)), "status 503", {}),
        (acting(HANG), "timeout", HANGING),
        (acting(answer()[:-1]), "broken answer", {}),
        (
            always(503, b'{"kind": "Status", "apiVersion": "v1", "message": "none"}'),
            "status 503",
            {},
        ),
        (always(after=1.5), "0.00 % are answered within 100 ms, wanted 90", SLOW),
    ],
)
def test_a_bad_service_fails_with_its_reason(
    behaviour: Behaviour, reason: str, values: dict[str, object], tmp_path: Path
) -> None:
    verdict, _ = judge(behaviour, tmp_path, gate(**values))
    assert verdict.result is Result.FAIL
    assert reason in verdict.reason


def test_a_release_that_cannot_pass_any_more_is_not_tried_to_the_end(tmp_path: Path) -> None:
    for behaviour, values in ((always(500), {}), (always(after=1.0), SLOW)):
        begun = time.monotonic()
        verdict, paths = judge(behaviour, tmp_path, gate(seconds=60, rate=20, **values))
        took = time.monotonic() - begun
        assert verdict.result is Result.FAIL
        assert took < 40
        assert len(paths) < 60 * 20
        (tmp_path / "api.sock").unlink()


def test_a_release_that_is_compared_is_tried_to_the_end(tmp_path: Path) -> None:
    begun = time.monotonic()
    compared = gate(other_colour_factor=2, seconds=1.5)
    assert judge(always(500), tmp_path, compared, baseline_address="shop")[0].result is Result.PASS
    assert time.monotonic() - begun >= 1.5


def test_an_api_server_that_refuses_is_an_error_and_no_failure(tmp_path: Path) -> None:
    refusing = always(403, b'{"kind": "Status", "apiVersion": "v1", "message": "forbidden"}')
    verdict, _ = judge(refusing, tmp_path)
    assert (verdict.result, verdict.reason) == (
        Result.ERROR,
        "the API server refuses: forbidden",
    )
    assert verdict.numbers["unmeasured"] >= 30


def test_a_minimum_that_the_rate_cannot_reach_is_no_data(tmp_path: Path) -> None:
    verdict, _ = judge(always(), tmp_path, gate(minimum=1000))
    assert verdict.result is Result.NO_DATA
    assert "fewer than 1000" in verdict.reason


def test_both_colours_are_asked_at_the_same_time_when_they_are_compared(tmp_path: Path) -> None:
    """Both are slow: the machine is. Only the live one is slow: the release is."""
    compared = gate(other_colour_factor=2, **SLOW)
    live = {"address": "shop", "baseline": "x", "baseline_address": "shop-preview"}
    verdict, paths = judge(always(after=1.0), tmp_path, compared, **live)
    assert verdict.result is Result.PASS
    assert verdict.reason.endswith("but so it is with the other colour")
    assert verdict.numbers["other_p99_ms"] >= 1000
    assert {path.split("/services/")[1].split(":")[0] for path in paths} == {"shop", "shop-preview"}

    def only_live(asked: Asked) -> list[Act]:
        return [0.0 if "shop-preview" in asked.path else 3.0, answer()]

    (tmp_path / "api.sock").unlink()
    verdict, _ = judge(only_live, tmp_path, compared, **live)
    assert verdict.result is Result.FAIL


def test_a_gate_that_compares_nothing_leaves_the_other_colour_alone(tmp_path: Path) -> None:
    for made, address in ((gate(), "shop-preview"), (gate(other_colour_factor=2), "")):
        _, paths = judge(always(), tmp_path, made, address="shop", baseline_address=address)
        assert {path.split("/services/")[1].split(":")[0] for path in paths} == {"shop"}
        (tmp_path / "api.sock").unlink()


def test_the_stage_decides_how_long_it_takes_if_the_plan_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = {Stage.PREVIEW: 1.0, Stage.LIVE: 0.2}
    monkeypatch.setattr("delivery.gates.requests.SECONDS", seconds)
    for stage in Stage:
        with cluster_of(always(), tmp_path) as (_, cluster):
            begun = time.monotonic()
            verdict = gate(seconds=0, rate=100).judge(cluster, subject(stage), lambda: None)
            took = time.monotonic() - begun
        assert verdict.result is Result.PASS
        assert seconds[stage] <= took
        # No more than were due in the time that it really took, and so not those of the other stage.
        assert 100 * seconds[stage] <= verdict.numbers["sent"] <= 100 * took + 1
        (tmp_path / "api.sock").unlink()
    assert gate(seconds=0).bound_seconds > max(seconds.values())


def test_it_stops_when_told_and_leaves_no_load_behind(tmp_path: Path) -> None:
    with cluster_of(always(), tmp_path) as (server, cluster):
        with pytest.raises(Stopped):
            gate(seconds=60).judge(cluster, subject(), stop_after(0.3))
        asked = len(server.asked)
        time.sleep(0.2)
        assert len(server.asked) == asked


PROGRAM = """
import sys
from pathlib import Path
from delivery.cluster import Cluster
from delivery.gate import Policy
from delivery.gates.requests import read_requests
from delivery.settings import Settings
from tests.delivery.servers import subject

latency = {"percent": 99, "milliseconds": 500}
chosen = {"rate": 40, "seconds": 3, "patience_seconds": 20, "success": 99, "latency": latency}
gate = read_requests(Settings(chosen, "plan"), "load", Policy(), None)
print("begun", flush=True)
verdict = gate.judge(Cluster(None, Path(sys.argv[1])), subject(), lambda: None)
print(verdict.result, verdict.reason)
"""


def test_a_gate_that_was_stopped_for_a_while_cannot_tell_the_latency(tmp_path: Path) -> None:
    """It slept for half of its time: to send a good release back for that would be wrong."""
    with cluster_of(always(), tmp_path) as (server, _):
        command = [sys.executable, "-c", PROGRAM, str(tmp_path / "api.sock")]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3]
        )
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "begun\n"
            while len(server.asked) < 20:
                time.sleep(0.01)
            os.kill(process.pid, signal.SIGSTOP)
            time.sleep(1.5)
            os.kill(process.pid, signal.SIGCONT)
            assert select.select([process.stdout], [], [], 60)[0]
            told = process.stdout.readline()
        finally:
            process.kill()
            process.wait()
            process.stdout.close()
    assert told.startswith("error ")
    assert "this program itself was up to 1" in told
    assert "so the latency is not known" in told
