"""The prober: requests at a fixed rate, whatever becomes of them, and what they came to.

Used by the gates as load on the idle colour, and by the release as drop counter through a switch. The rate is
held open-loop: a request is due at its moment, and waits from then on, also for a free connection. So a slow
service makes slow answers here, and not fewer requests. Invariant: every request that was due is counted, each
ends within `patience` seconds, and what this program was late itself is never the service's failure.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from delivery.cluster import Cluster
from delivery.exchange import NoAnswerError, Reply, Target, Trouble, ask
from delivery.gate import Subject
from delivery.lateness import Lateness, excuse
from delivery.sample import Outcome, Sample, summarize
from delivery.way import through_the_api, told_by_the_way

MOST_RATE = 1000
"""Requests a second that one prober is asked for at most."""
CONNECTIONS = 32
"""Requests under way at once. One that finds none free waits for one, and that counts as its time."""
PATIENCE_SECONDS = 2.0
GOOD = range(200, 400)


@dataclass(frozen=True)
class Load:
    """What to ask and how often: `rate` requests per second, each given `patience` seconds."""

    target: Target
    path: str
    rate: float
    patience: float = PATIENCE_SECONDS
    connections: int = CONNECTIONS


class Probe:
    """Requests under way; may be asked for its sample at any moment."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._lateness = Lateness()
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._begun = self._end = 0.0
        self._given = 0
        self._outcomes: list[Outcome] = []
        self._threads = [
            threading.Thread(target=self._work, name=f"prober-{number}", daemon=True)
            for number in range(load.connections)
        ]

    def start(self) -> None:
        """Begin; the first request is due now."""
        self._lateness.start()
        self._begun = time.monotonic()
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let nothing more become due and wait for what is, which takes `patience` at most."""
        self._end = time.monotonic()
        self._ended.set()
        for thread in self._threads:
            thread.join()
        self._lateness.stop()

    def sample(self) -> Sample:
        """Sum up what has ended until now."""
        with self._lock:
            outcomes = list(self._outcomes)
        return summarize(outcomes)

    def _work(self) -> None:
        while True:
            with self._lock:
                place = self._given
                self._given += 1
            due = self._begun + place / self._load.rate
            early = due - time.monotonic()
            if early > 0:
                self._ended.wait(early)
            if self._ended.is_set() and due > self._end:
                return
            outcome = self._ask(place, due, slept=early > 0)
            with self._lock:
                self._outcomes.append(outcome)

    def _ask(self, place: int, due: float, *, slept: bool) -> Outcome:
        begun = time.monotonic()
        # Who slept has only himself to blame for waking up late; else there may have been no free connection.
        late = begun - due if slept else self._lateness.seconds(due, begun)
        left = self._load.patience - (begun - due)
        answered: Reply | NoAnswerError
        if left <= 0:
            every = f"all {self._load.connections} connections wait for answers"
            answered = NoAnswerError(Trouble.TIMEOUT, f"not sent, {every}", begun=True)
        else:
            try:
                answered = ask(self._load.target, self._load.path, left)
            except NoAnswerError as error:
                answered = error
        ended = time.monotonic()
        late += self._lateness.seconds(begun, ended)
        way = told_by_the_way(self._load.target, answered)
        if isinstance(answered, Reply):
            failure = "" if answered.status in GOOD else f"status {answered.status}"
            timed = True
        else:
            failure, timed = str(answered.trouble), answered.trouble is Trouble.TIMEOUT
            if timed and not way:
                way = excuse(late, self._load.patience)
        failure = "" if way else failure
        return Outcome(place, (ended - due) * 1000, failure, way, timed, late * 1000)


@contextmanager
def running(load: Load) -> Iterator[Probe]:
    """Keep a load up as long as the block lasts."""
    probe = Probe(load)
    probe.start()
    try:
        yield probe
    finally:
        probe.stop()


@contextmanager
def probing(cluster: Cluster, subject: Subject, rate: float, path: str = "") -> Iterator[Probe]:
    """Keep requests up to the Service that a subject is reached by; `path` is its health if not given."""
    target = through_the_api(cluster.socket, subject.namespace, subject.address, subject.port)
    with running(Load(target, path or subject.health, rate)) as probe:
        yield probe
