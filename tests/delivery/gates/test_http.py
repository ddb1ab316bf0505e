"""The gate that asks one path: good answers, bad ones, and those that say nothing about the service."""

import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.gate import Policy, Result, Stage, Verdict
from delivery.gates.http import Answers, read_http
from delivery.lateness import Lateness
from delivery.settings import Settings
from tests.delivery.servers import (
    HANG,
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

FORBIDDEN = always(403, b'{"kind": "Status", "apiVersion": "v1", "message": "forbidden"}')


def judge(
    behaviour: Behaviour, folder: Path, stage: Stage = Stage.PREVIEW, **values: object
) -> tuple[Verdict, list[str]]:
    """Judge a service; give the verdict and what was asked for."""
    chosen = {"within_seconds": 60, "pause_seconds": 0.02, "patience_seconds": 20, **values}
    gate = read_http(Settings(chosen, "plan: gate"), "page", Policy())
    with cluster_of(behaviour, folder) as (server, cluster):
        begun = time.monotonic()
        with Lateness() as lateness:
            verdict = gate.judge(cluster, subject(stage), lambda: None)
            ended = time.monotonic()
            own = lateness.seconds(begun, ended)
        assert ended - begun - own < gate.bound_seconds + 0.5
    return verdict, server.paths


def test_a_good_answer_passes_at_once(tmp_path: Path) -> None:
    verdict, paths = judge(always(), tmp_path)
    assert verdict == Verdict(
        "page",
        Result.PASS,
        "/health: answers as expected",
        {"good": 1, "bad": 0, "unmeasured": 0},
    )
    assert paths == ["/api/v1/namespaces/near/services/shop-preview:http/proxy/health"]


def test_path_and_headers_are_those_of_the_plan(tmp_path: Path) -> None:
    gate = read_http(Settings({"path": "/a?b", "headers": {"X-Who": "k"}}, ""), "page", Policy())
    with cluster_of(always(), tmp_path) as (server, cluster):
        gate.judge(cluster, subject(Stage.LIVE), lambda: None)
    assert server.paths == ["/api/v1/namespaces/near/services/shop:http/proxy/a?b"]
    assert server.asked[0].headers["X-Who"] == "k"


@pytest.mark.parametrize(
    ("behaviour", "values", "reason"),
    [
        (always(500, b"oops\n  at line 3"), {}, "status 500: oops at line 3"),
        (always(200), {"status": 404}, "status 200: ok"),
        (always(204, b""), {"status": 200}, "status 204"),
        (always(200, b"hello"), {"body_contains": ["hell", "world"]}, "does not contain 'world'"),
        (always(200), {"answer_headers": {"X-Frame-Options": "DENY"}}, "no header X-Frame-Options"),
        (
            always(200, X_Frame_Options="ALLOW"),
            {"answer_headers": {"X-Frame-Options": "DENY"}},
            "header X-Frame-Options is 'ALLOW', without 'DENY'",
        ),
        (acting(HANG), {"patience_seconds": 1}, "timeout: no whole answer within 1 s"),
        (acting(answer()[:-1]), {}, "broken answer: IncompleteRead"),
    ],
)
def test_a_bad_answer_fails_with_what_it_lacks(
    behaviour: Behaviour, values: dict[str, object], reason: str, tmp_path: Path
) -> None:
    verdict, _ = judge(behaviour, tmp_path, **values)
    assert verdict.result is Result.FAIL
    assert reason in verdict.reason
    assert verdict.numbers["bad"] == 3


@pytest.mark.parametrize(
    ("behaviour", "values"),
    [
        (always(404), {"status": 404}),
        (always(200, b"hello, world"), {"body_contains": ["world", "hello"]}),
        (
            always(200, Content_Security_Policy="default-src 'none'; frame-ancestors 'none'"),
            {"answer_headers": {"content-security-policy": "default-src 'none'"}},
        ),
    ],
)
def test_an_answer_may_be_what_is_expected(
    behaviour: Behaviour, values: dict[str, object], tmp_path: Path
) -> None:
    verdict, _ = judge(behaviour, tmp_path, **values)
    assert verdict.result is Result.PASS


def test_before_the_switch_a_service_may_be_a_moment_late(tmp_path: Path) -> None:
    late = in_turn(always(503), always(503), always(200))
    verdict, _ = judge(late, tmp_path)
    assert verdict.result is Result.PASS
    assert verdict.numbers == {"good": 1, "bad": 2, "unmeasured": 0}


def test_afterwards_one_bad_answer_is_a_bad_round(tmp_path: Path) -> None:
    verdict, paths = judge(in_turn(always(503), always(200)), tmp_path, Stage.LIVE)
    assert verdict.result is Result.FAIL
    assert len(paths) == 1


def test_a_service_that_flaps_does_not_get_enough_good_answers_in_a_row(tmp_path: Path) -> None:
    flapping = in_turn(always(200), always(200), always(500))
    verdict, paths = judge(flapping, tmp_path, successes=3, within_seconds=0.5)
    assert verdict.result is Result.FAIL
    assert verdict.reason.startswith("/health: status 500")
    assert len(paths) > 6


def test_as_many_good_answers_in_a_row_as_asked_for_pass(tmp_path: Path) -> None:
    flapping = in_turn(always(500), always(200), always(200))
    verdict, paths = judge(flapping, tmp_path, successes=2)
    assert verdict.result is Result.PASS
    assert len(paths) == 3


def test_a_way_that_is_closed_is_an_error_and_no_failure(tmp_path: Path) -> None:
    verdict, _ = judge(FORBIDDEN, tmp_path, within_seconds=0.5)
    assert verdict.result is Result.ERROR
    assert verdict.reason == "/health: the API server refuses: forbidden"
    assert verdict.numbers["unmeasured"] >= 2


def test_a_wait_that_was_our_own_lateness_is_an_error_and_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every tick comes late, as on a machine that gives this program a sixth of its time."""
    wait = threading.Event.wait

    def late(self: threading.Event, left: float | None = None) -> bool:
        return wait(self, None if left is None else left + 0.05)

    with cluster_of(acting(HANG), tmp_path) as (_, cluster):
        monkeypatch.setattr(threading.Event, "wait", late)
        settings = Settings({"within_seconds": 0.3, "patience_seconds": 0.5}, "plan: gate")
        verdict = read_http(settings, "page", Policy()).judge(cluster, subject(), lambda: None)
        monkeypatch.undo()
    assert verdict.result is Result.ERROR, verdict
    assert "/health: this program itself was " in verdict.reason
    assert verdict.numbers["bad"] == 0


def test_a_way_that_opens_again_gives_a_verdict(tmp_path: Path) -> None:
    verdict, _ = judge(in_turn(FORBIDDEN, FORBIDDEN, FORBIDDEN, always()), tmp_path)
    assert verdict.result is Result.PASS


def test_too_little_time_is_no_data(tmp_path: Path) -> None:
    verdict, _ = judge(always(after=0.1), tmp_path, successes=100, within_seconds=0.5)
    assert verdict.result is Result.NO_DATA
    assert "good answers in a row, not 100" in verdict.reason


def test_it_stops_when_told(tmp_path: Path) -> None:
    gate = read_http(Settings({"within_seconds": 60, "successes": 100}, ""), "page", Policy())
    with cluster_of(always(), tmp_path) as (_, cluster), pytest.raises(Stopped):
        gate.judge(cluster, subject(), stop_after(0.3))


kinds = st.sampled_from([("", ""), ("status 500", ""), ("", "refused")])


@given(st.lists(kinds, max_size=30), st.integers(1, 4), st.integers(1, 4))
def test_no_row_of_answers_passes_on_nothing_or_forgets_a_failure(
    noted: list[tuple[str, str]], successes: int, failures: int
) -> None:
    answers = Answers(successes, failures)
    judged = None
    for problem, way in noted:
        answers.note(problem, way)
        judged = answers.result(over=False)
        if judged:
            break
    result, _ = judged or answers.result(over=True) or (None, "")
    numbers = answers.numbers
    assert result is not None
    if result is Result.PASS:
        assert numbers["good"] >= successes
    if result is Result.FAIL:
        assert numbers["bad"] >= 1
    if result is Result.ERROR:
        assert (numbers["bad"], numbers["unmeasured"] > 0) == (0, True)
    if result is Result.NO_DATA:
        assert (numbers["bad"], numbers["unmeasured"]) == (0, 0)
        assert numbers["good"] < successes
