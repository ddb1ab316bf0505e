"""The prober holds its rate whatever becomes of the requests, and counts every one that was due.

Servers and prober share the cores with whatever else runs: so a test counts requests, or compares a time with another
time that was measured, and gives a patience that only a hanging server exhausts.
"""

import json
import math
import os
import select
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from delivery.exchange import Target
from delivery.prober import Load, probing, running
from delivery.sample import Sample
from delivery.way import through_the_api
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

PATIENCE = 20.0
"""Seconds that no answer takes which is ever given."""
SHORT = 1.0
"""Seconds of patience where none is given; half of it may be the machine's before a wait says nothing."""
ROOT = Path(__file__).parents[2]


def probe(
    behaviour: Behaviour,
    seconds: float = 0.5,
    rate: float = 60,
    patience: float = PATIENCE,
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
    ("acts", "reason", "patience"),
    [
        ([RESET], "connection reset", PATIENCE),
        ([HANG], "timeout", SHORT),
        ([answer(body=b"12345")[:-2]], "broken answer", PATIENCE),
    ],
)
def test_what_is_no_answer_is_a_failure_with_its_reason(
    acts: list[Act], reason: str, patience: float
) -> None:
    sample = probe(acting(*acts), rate=30, patience=patience)
    assert sample.failures == {reason: sample.sent}
    assert sample.sent + sample.unmeasured >= 15


def test_a_service_that_flaps_is_counted_exactly() -> None:
    sample = probe(in_turn(always(), always(503), always(503), acting(RESET)), rate=40)
    assert sample.sent >= 20
    good, rest = divmod(sample.sent, 4)
    assert sample.sent - sample.failed == good + (rest > 0)
    assert set(sample.failures) == {"status 503", "connection reset"}


def test_a_pause_of_the_service_does_not_hide_behind_the_requests_it_held_up() -> None:
    """One connection alone would have seen one slow answer; every request that was due in the pause is slow."""
    over: list[float] = []

    def pausing(_asked: Asked) -> list[Act]:
        if not over:
            over.append(time.monotonic() + 0.8)
        return [max(0, over[0] - time.monotonic()), answer()]

    sample = probe(pausing, seconds=1, rate=50, connections=1)
    assert sample.sent >= 50
    assert sample.failed == 0
    # Forty requests were due within the pause and waited for what was left of it: thirty of them for 200 ms and more.
    assert sample.sent - sample.within(190) >= 30
    assert sample.max_ms >= 790


def test_requests_that_find_no_connection_are_failures_and_not_forgotten() -> None:
    sample = probe(acting(HANG), seconds=1, rate=50, patience=SHORT, connections=2)
    assert sample.sent + sample.unmeasured >= 50
    assert sample.failures == {"timeout": sample.sent}
    assert sample.p50_ms >= SHORT * 1000 - 1


def test_no_more_connections_are_open_at_once_than_allowed() -> None:
    with serving(always(after=0.1)) as (server, target):
        with running(Load(target, "/", 200, PATIENCE, connections=5)):
            time.sleep(0.5)
        assert server.busiest == 5


def test_leaving_waits_for_what_is_under_way_and_no_longer() -> None:
    """The server would hang for ever; nothing of the prober is left behind."""
    with serving(acting(HANG)) as (_, target):
        with running(Load(target, "/", 20, SHORT)) as under_way:
            time.sleep(0.3)
        names = {each.name for each in threading.enumerate()}
        assert not {name for name in names if name.startswith(("prober-", "lateness"))}
        sample = under_way.sample()
    assert sample.failed == sample.sent
    assert sample.sent + sample.unmeasured >= 6


def test_a_sample_can_be_taken_at_any_moment() -> None:
    with serving(always()) as (server, target), running(Load(target, "/", 100)) as under_way:
        while len(server.asked) < 10:
            time.sleep(0.01)
        early = under_way.sample()
        while len(server.asked) < 2 * early.sent + 60:
            time.sleep(0.01)
        late = under_way.sample()
    assert early.sent < late.sent


def test_an_outage_in_the_middle_is_a_row_of_failures() -> None:
    """Of thirty requests per second, those from the tenth to the twenty-fourth fail."""

    def outage(asked: Asked) -> list[Act]:
        return [RESET] if 10 <= asked.number < 25 else [answer()]

    sample = probe(outage, seconds=1.2, rate=30)
    assert sample.failed == 15
    assert sample.sent >= 36
    # Requests of a moment in which this machine slept arrive in any order, and so at both ends of the outage.
    mixed = math.ceil(30 * sample.lag_ms / 1000)
    assert sample.worst_run >= 15 - 2 * mixed


def test_nobody_there_is_a_failure_of_the_service_when_it_is_asked_directly() -> None:
    with running(Load(Target("127.0.0.1", 1), "/", 50, PATIENCE)) as under_way:
        time.sleep(0.3)
    sample = under_way.sample()
    assert sample.failures == {"connection refused": sample.sent}
    assert sample.p99_ms == 0


def test_through_the_api_server_its_own_words_are_told_apart(tmp_path: Path) -> None:
    status = b'{"kind": "Status", "apiVersion": "v1", "message": "forbidden"}'
    behaviour = in_turn(always(), always(403, status), always(503, status), always(200))
    with cluster_of(behaviour, tmp_path) as (server, cluster):
        load = Load(through_the_api(cluster.socket, "near", "shop", "http"), "/", 60, PATIENCE)
        with running(load) as under_way:
            time.sleep(0.5)
        sample = under_way.sample()
    assert sample.unmeasured == (len(server.asked) + 2) // 4
    assert sample.sent == len(server.asked) - sample.unmeasured
    assert sample.failures == {"status 503": (len(server.asked) + 1) // 4}
    assert sample.way == "the API server refuses: forbidden"


def test_the_service_of_a_subject_is_asked_for_its_health_or_another_path(tmp_path: Path) -> None:
    for path, expected in (("", "/health"), ("/api/data", "/api/data")):
        with cluster_of(always(), tmp_path) as (server, cluster):
            with probing(cluster, subject(), 50, path):
                time.sleep(0.2)
            asked = f"/api/v1/namespaces/near/services/shop-preview:http/proxy{expected}"
            assert set(server.paths) == {asked}
        (tmp_path / "api.sock").unlink()


def test_kubectl_that_has_ended_is_no_failure_of_the_service(tmp_path: Path) -> None:
    with cluster_of(always(), tmp_path) as (_, cluster):
        pass
    with probing(cluster, subject(), 50) as under_way:
        time.sleep(0.3)
    sample = under_way.sample()
    assert sample.sent == 0
    assert sample.unmeasured >= 15
    assert sample.way.startswith("kubectl proxy has ended")


def test_slow_answers_are_no_lag_of_this_program() -> None:
    """Not even when they take all connections: most of the time of each request is the service's."""
    sample = probe(always(after=0.3), rate=50, connections=3)
    assert sample.p50_ms >= 300
    assert sample.least_times[len(sample.least_times) // 2] > sample.p50_ms / 2


def test_waking_up_late_is_lag_of_this_program(monkeypatch: pytest.MonkeyPatch) -> None:
    wait = threading.Event.wait
    monkeypatch.setattr(
        threading.Event, "wait", lambda self, left=None: wait(self, (left or 0) + 0.15)
    )
    assert probe(always(), rate=20).lag_ms >= 100


PROGRAM = """
import json, sys
from delivery.exchange import Target
from delivery.prober import Load, running

load = Load(Target("127.0.0.1", int(sys.argv[1])), "/", 100, 0.5)
with running(load) as under_way:
    print("begun", flush=True)
    sys.stdin.readline()
found = under_way.sample()
print(json.dumps({**found.numbers, "way": found.way, "failures": dict(found.failures)}))
"""


def test_a_prober_that_was_stopped_for_a_while_blames_nobody_else() -> None:
    """It sleeps for three times its patience while a good service waits to be asked."""
    with serving(always()) as (server, target):
        command = [sys.executable, "-c", PROGRAM, str(target.port)]
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "begun\n"
            while len(server.asked) < 20:
                time.sleep(0.01)
            os.kill(process.pid, signal.SIGSTOP)
            time.sleep(1.5)
            os.kill(process.pid, signal.SIGCONT)
            asked = len(server.asked)
            while len(server.asked) < asked + 20:
                time.sleep(0.01)
            process.stdin.write("\n")
            process.stdin.close()
            assert select.select([process.stdout], [], [], PATIENCE)[0]
            found = json.loads(process.stdout.readline())
        finally:
            process.kill()
            process.wait()
            process.stdout.close()
    assert found["failures"] == {}
    assert found["failed"] == 0
    # What was due in the first second of the pause could not be asked in time.
    assert found["unmeasured"] >= 50
    assert found["way"].startswith("this program itself was ")
    assert found["lag_ms"] >= 1000
