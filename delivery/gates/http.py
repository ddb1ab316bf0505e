"""A gate that asks one path and looks at the answer: status, headers, words in the body.

A service that flaps is caught by asking for several good answers in a row; one that is a moment late is let off
by allowing for several bad ones.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from delivery.cluster import Cluster
from delivery.exchange import NoAnswerError, Reply, Target, Trouble, ask
from delivery.gate import Policy, Result, Stage, Subject, Verdict
from delivery.lateness import Lateness, excuse
from delivery.settings import Settings
from delivery.way import through_the_api, told_by_the_way

OK = frozenset(range(200, 300))
FAILURES = {Stage.PREVIEW: 3, Stage.LIVE: 1}
"""Bad answers in a row that fail; on the live Service it is the policy that counts rounds."""
WORDS = 120


@dataclass(frozen=True)
class Expected:
    """What a good answer is like: its status, words in its body, headers with a part of their values."""

    statuses: frozenset[int] = OK
    body: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    def lacking(self, reply: Reply) -> str:
        """Say what an answer lacks; empty when it is good."""
        if reply.status not in self.statuses:
            return f"status {reply.status}: {' '.join(reply.text.split())[:WORDS]}".rstrip(": ")
        for name, part in self.headers.items():
            value = reply.headers.get(name.lower())
            if value is None:
                return f"no header {name}"
            if part not in value:
                return f"header {name} is {value[:WORDS]!r}, without {part!r}"
        for words in self.body:
            if words not in reply.text:
                return f"the body does not contain {words!r}"
        return ""


class Answers:
    """Answers so far: the rows they make, and what they come to. Pure."""

    def __init__(self, successes: int, failures: int) -> None:
        self._successes, self._failures = successes, failures
        self._counts = {"good": 0, "bad": 0, "unmeasured": 0}
        self._row = 0
        self._last = {"good": "", "bad": "", "unmeasured": ""}

    def note(self, problem: str, way: str) -> None:
        """Count one answer; what went wrong on the way interrupts no row of answers."""
        kind = "unmeasured" if way else "bad" if problem else "good"
        self._counts[kind] += 1
        self._last[kind] = way or problem
        if kind == "good":
            self._row = max(0, self._row) + 1
        elif kind == "bad":
            self._row = min(0, self._row) - 1

    def result(self, *, over: bool) -> tuple[Result, str] | None:
        """Judge; None while it is open, which it is not once the time is over."""
        if self._row >= self._successes:
            return Result.PASS, "answers as expected"
        if self._row <= -self._failures or (over and self._counts["bad"]):
            return Result.FAIL, self._last["bad"]
        if not over:
            return None
        if self._counts["unmeasured"]:
            return Result.ERROR, self._last["unmeasured"]
        told = f"{self._row} good answers in a row, not {self._successes}, when the time was over"
        return Result.NO_DATA, told

    @property
    def numbers(self) -> dict[str, float]:
        """The counts."""
        return {name: float(count) for name, count in self._counts.items()}


@dataclass(frozen=True)
class HttpGate:
    """Asks until enough good or bad answers came in a row, or `within` seconds are over."""

    name: str
    policy: Policy
    path: str
    sent: Mapping[str, str]
    expected: Expected
    successes: int
    failures: int
    patience: float
    pause: float
    within: float

    @property
    def bound_seconds(self) -> float:
        """How long a verdict takes at most."""
        return self.within + self.patience + self.pause

    def judge(self, cluster: Cluster, subject: Subject, alive: Callable[[], None]) -> Verdict:
        """Ask, and judge the answers."""
        target = through_the_api(cluster.socket, subject.namespace, subject.address, subject.port)
        path = self.path or subject.health
        answers = Answers(self.successes, self.failures or FAILURES[subject.stage])
        with Lateness() as lateness:
            begun = time.monotonic()
            while True:
                alive()
                answers.note(*self._ask(target, path, lateness))
                judged = answers.result(over=lateness.worked(begun) >= self.within)
                if judged:
                    result, told = judged
                    return Verdict(self.name, result, f"{path}: {told}", answers.numbers)
                time.sleep(self.pause)

    def _ask(self, target: Target, path: str, lateness: Lateness) -> tuple[str, str]:
        """Ask once; return what is wrong with the answer, and with the way to it."""
        begun = time.monotonic()
        try:
            reply = ask(target, path, self.patience, self.sent)
        except NoAnswerError as error:
            way = told_by_the_way(target, error)
            if error.trouble is Trouble.TIMEOUT and not way:
                way = excuse(lateness.seconds(begun, time.monotonic()), self.patience)
            return str(error), way
        return self.expected.lacking(reply), told_by_the_way(target, reply)


def read_http(settings: Settings, name: str, policy: Policy) -> HttpGate:
    """Read what the plan says about one."""
    return HttpGate(
        name=name,
        policy=policy,
        path=settings.path("path", ""),
        sent=settings.pairs("headers"),
        expected=Expected(
            statuses=_statuses(settings),
            body=settings.texts("body_contains", ()),
            headers=settings.pairs("answer_headers"),
        ),
        successes=settings.whole("successes", 1, low=1, high=100),
        failures=settings.whole("failures", 0, low=0, high=100),
        patience=settings.number("patience_seconds", 2, low=0.05, high=30),
        pause=settings.number("pause_seconds", 0.2, low=0, high=10),
        within=settings.number("within_seconds", 5, low=0.1, high=300),
    )


def _statuses(settings: Settings) -> frozenset[int]:
    if not settings.has("status"):
        return OK
    return frozenset({settings.whole("status", low=200, high=599)})
