"""The prober holds its rate whatever becomes of the requests, and counts every one that was due."""

import threading
import time
from pathlib import Path

import pytest

from delivery.exchange import Target
from delivery.prober import Load, probing, running
from delivery.sample import Sample
from tests.delivery.servers import (
    HANG,
    RESET,
    Act,
    Asked,
    Behaviour,
    acting,
    always,
    answer,
    cluster_of,
    in_turn,
    serving,
    subject,
)


def probe(
    behaviour: Behaviour,
    seconds: float = 0.5,
    rate: float = 60,
    patience: float = 0.5,
    connections: int = 32,
) -> Sample:
    """Probe a server for a while."""
    with serving(behaviour) as (_, target):
        with running(Load(target, "/", rate, patience, connections)) as under_way:
            time.sleep(seconds)
        return under_way.sample()


def test_good_answers_come_at_the_rate_that_was_asked_for() -> None:
    begun = time.monotonic()
    sample = probe(always(), seconds=1, rate=100)
    took = time.monotonic() - begun
    assert 100 <= sample.sent <= 100 * took + 1
    assert (sample.failed, sample.unmeasured, sample.worst_run) == (0, 0, 0)
    assert 0 < sample.p50_ms <= sample.p99_ms


def test_a_redirect_is_good_and_an_error_is_not() -> None:
    assert probe(always(302)).failed == 0
    sample = probe(always(500))
    assert sample.failed == sample.sent > 0
    assert sample.failures == {"status 500": sample.sent}
    assert probe(always(404)).first_failure == "status 404"


@pytest.mark.parametrize(
    ("acts", "reason"),
    [
        ([RESET], "connection reset"),
        ([HANG], "timeout"),
        ([answer(body=b"12345")[:-2]], "broken answer"),
    ],
)
def test_what_is_no_answer_is_a_failure_with_its_reason(acts: list[Act], reason: str) -> None:
    sample = probe(acting(*acts), rate=30, patience=0.3)
    assert sample.failures == {reason: sample.sent}


def test_a_service_that_flaps_is_counted_exactly() -> None:
    sample = probe(in_turn(always(), always(503), always(503), acting(RESET)), rate=40)
    assert sample.sent >= 20
    assert sample.failed == pytest.approx(sample.sent * 3 / 4, abs=3)
    assert set(sample.failures) == {"status 503", "connection reset"}


def test_a_pause_of_the_service_does_not_hide_behind_the_requests_it_held_up() -> None:
    """One connection alone would have seen one slow answer; every request that was due in the pause is slow."""
    over = time.monotonic() + 0.8

    def pausing(_asked: Asked) -> list[Act]:
        return [max(0, over - time.monotonic()), answer()]

    sample = probe(pausing, seconds=1, rate=50, patience=5, connections=1)
    assert sample.sent >= 50
    assert sample.failed == 0
    # 40 requests were due within the pause, and waited for what was left of it.
    assert sample.within(200) < 0.6 * sample.sent
    assert sample.max_ms >= 700


def test_requests_that_find_no_connection_are_failures_and_not_forgotten() -> None:
    sample = probe(acting(HANG), seconds=0.6, rate=50, patience=0.3, connections=2)
    assert sample.sent >= 30
    assert sample.failures == {"timeout": sample.sent}
    assert sample.p50_ms >= 300 - 1


def test_no_more_connections_are_open_at_once_than_allowed() -> None:
    with serving(always(after=0.1)) as (server, target):
        with running(Load(target, "/", 200, 2, connections=5)):
            time.sleep(0.5)
        assert server.busiest == 5


def test_leaving_waits_for_what_is_under_way_and_no_longer() -> None:
    before = threading.active_count()
    with serving(acting(HANG)) as (_, target):
        with running(Load(target, "/", 20, 0.5)) as under_way:
            time.sleep(0.3)
            left = time.monotonic()
        assert time.monotonic() - left < 0.5 + 0.5
        assert not [each for each in threading.enumerate() if each.name.startswith("prober-")]
        sample = under_way.sample()
    assert sample.failed == sample.sent >= 6
    assert threading.active_count() == before


def test_a_sample_can_be_taken_at_any_moment() -> None:
    with serving(always()) as (_, target), running(Load(target, "/", 100)) as under_way:
        time.sleep(0.3)
        early = under_way.sample()
        time.sleep(0.3)
        late = under_way.sample()
    assert 0 < early.sent < late.sent


def test_an_outage_in_the_middle_is_a_row_of_failures() -> None:
    """Thirty requests per second, of which those of half a second fail."""
    since = time.monotonic()

    def outage(_asked: Asked) -> list[Act]:
        return [RESET] if 0.3 < time.monotonic() - since < 0.8 else [answer()]

    sample = probe(outage, seconds=1.2, rate=30)
    assert sample.failed == sample.worst_run
    assert 12 <= sample.failed <= 17
    assert sample.sent - sample.failed >= 18


def test_nobody_there_is_a_failure_of_the_service_when_it_is_asked_directly() -> None:
    with running(Load(Target("127.0.0.1", 1), "/", 50, 0.5)) as under_way:
        time.sleep(0.3)
    sample = under_way.sample()
    assert sample.failures == {"connection refused": sample.sent}
    assert sample.p99_ms == 0


def test_through_the_api_server_its_own_words_are_told_apart(tmp_path: Path) -> None:
    status = b'{"kind": "Status", "apiVersion": "v1", "message": "forbidden"}'
    behaviour = in_turn(always(), always(403, status), always(503, status), always(200))
    with cluster_of(behaviour, tmp_path) as (server, cluster):
        with probing(cluster, subject(), 60) as under_way:
            time.sleep(0.5)
        sample = under_way.sample()
    expected = "/api/v1/namespaces/near/services/shop-preview:http/proxy/health"
    assert set(server.paths) == {expected}
    assert sample.unmeasured == pytest.approx(len(server.asked) / 4, abs=2)
    assert sample.sent == len(server.asked) - sample.unmeasured
    assert sample.failures == {"status 503": sample.failed}
    assert sample.way == "the API server refuses: forbidden"


def test_another_path_than_that_of_the_health_can_be_asked(tmp_path: Path) -> None:
    with (
        cluster_of(always(), tmp_path) as (server, cluster),
        probing(cluster, subject(), 50, "/api/data"),
    ):
        time.sleep(0.2)
    assert {path.rpartition("/proxy")[2] for path in server.paths} == {"/api/data"}


def test_kubectl_that_has_ended_is_no_failure_of_the_service(tmp_path: Path) -> None:
    with cluster_of(always(), tmp_path) as (_, cluster):
        pass
    with probing(cluster, subject(), 50) as under_way:
        time.sleep(0.3)
    sample = under_way.sample()
    assert sample.sent == 0
    assert sample.unmeasured >= 15
    assert sample.way.startswith("kubectl proxy has ended")


def test_the_lag_is_this_programs_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slow answers are no lag, not even when they take all connections."""
    assert probe(always(after=0.2), rate=50, connections=3, patience=3).lag_ms < 100
    wait = threading.Event.wait
    monkeypatch.setattr(
        threading.Event, "wait", lambda self, left=None: wait(self, (left or 0) + 0.15)
    )
    assert probe(always(), rate=20).lag_ms >= 100
