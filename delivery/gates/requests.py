"""A gate that sends requests of its own and counts: how many are answered well, and how fast.

On the idle colour they are the load that nobody else makes, so that a quiet service gives numbers too. When
the other colour is asked at the same moment, a machine that is slow for both is not taken for a slow release.
"""

import time
from bisect import bisect_right
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from delivery.cluster import Cluster
from delivery.gate import Policy, Result, Stage, Subject, Verdict
from delivery.prober import Load, running
from delivery.sample import Sample
from delivery.settings import Settings
from delivery.slo import Slo
from delivery.way import through_the_api

SECONDS = {Stage.PREVIEW: 10.0, Stage.LIVE: 2.0}
RATE = 25.0
LOOK_SECONDS = 0.5
SHARE = 0.8
"""Part of the requests due that makes a sample, when no minimum is given."""
LOST = 0.1
"""Part of the requests that may be lost on the way before nothing can be said."""


@dataclass(frozen=True)
class Targets:
    """What a sample must reach. `worst_run` is the longest row of failures that is let off.

    With `factor` a missed target counts only when the other colour does more than so many times better.
    """

    success_percent: float
    latency_percent: float
    latency_ms: float
    worst_run: int
    factor: float

    def judge(self, sample: Sample, minimum: int, other: Sample | None) -> tuple[Result, str]:
        """Judge a sample; what is certain is told before what cannot be known."""
        if not sample.sent:
            lost = sample.unmeasured > 0
            return (Result.ERROR, sample.way) if lost else (Result.NO_DATA, "no request was sent")
        least = max(minimum, sample.sent)
        problem = self._failing(sample, least) or self._slow(sample, sample.least_times, least)
        if not problem and (apparent := self._slow(sample, sample.times, least)):
            told = f"this program itself was up to {sample.lag_ms:.0f} ms late"
            return Result.ERROR, f"{apparent}; but {told}, so the latency is not known"
        if not problem:
            return _enough(sample, minimum)
        if other is not None and self._alike(sample, other, minimum):
            return Result.PASS, f"{problem}; but so it is with the other colour"
        return Result.FAIL, problem

    def hopeless(self, sample: Sample, planned: int) -> bool:
        """Tell whether a sample fails even if all that is still to come is good."""
        least = max(planned, sample.sent)
        slow = self._slow(sample, sample.least_times, least)
        return not self.factor and bool(self._failing(sample, least) or slow)

    def _failing(self, sample: Sample, least: int) -> str:
        """Tell whether too many fail, even if all that are missing to a sample of `least` were good."""
        if sample.worst_run > self.worst_run:
            return f"{sample.worst_run} failures in a row: {sample.first_failure}"
        if 100 * (least - sample.failed) / least >= self.success_percent:
            return ""
        told = ", ".join(f"{count} {reason}" for reason, count in sample.failures.items())
        share = f"{sample.success_percent:.2f} % are good"
        return f"{share}, wanted {self.success_percent:g}: {told}"

    def _slow(self, sample: Sample, times: Sequence[float], least: int) -> str:
        """Tell whether too many are slow, even if all that are missing to a sample of `least` were quick."""
        within = bisect_right(times, self.latency_ms)
        if 100 * (least - len(times) + within) / least >= self.latency_percent:
            return ""
        share = 100 * within / len(times)
        told = f"{share:.2f} % are answered within {self.latency_ms:g} ms"
        return f"{told}, wanted {self.latency_percent:g}; p99 is {sample.p99_ms:.0f} ms"

    def _alike(self, sample: Sample, other: Sample, minimum: int) -> bool:
        """Tell whether the other colour is about as bad at the same time; small samples excuse nothing."""
        if not self.factor or min(sample.sent, other.sent) < minimum:
            return False
        failing = sample.failed / sample.sent <= self.factor * other.failed / other.sent
        slow = (
            not self._slow(sample, sample.times, sample.sent)
            or sample.p99_ms <= self.factor * other.p99_ms
        )
        return failing and slow


def _enough(sample: Sample, minimum: int) -> tuple[Result, str]:
    """Judge a sample in which nothing is wrong by its size."""
    if sample.sent < minimum:
        told = f"only {sample.sent} requests were measured, fewer than {minimum}"
        return (Result.ERROR, f"{told}: {sample.way}") if sample.way else (Result.NO_DATA, told)
    if sample.unmeasured > LOST * (sample.sent + sample.unmeasured):
        return Result.ERROR, f"{sample.unmeasured} requests were lost on the way: {sample.way}"
    if not sample.times:
        return Result.NO_DATA, "no request was answered, so the latency is not known"
    return Result.PASS, "as promised"


@dataclass(frozen=True)
class RequestsGate:
    """Sends `rate` requests per second for a while, or until they cannot pass any more.

    `seconds` of 0 is as long as the stage has it, `minimum` of 0 most of the requests that are due then.
    """

    name: str
    policy: Policy
    path: str
    rate: float
    seconds: float
    patience: float
    connections: int
    minimum: int
    targets: Targets

    @property
    def bound_seconds(self) -> float:
        """How long a verdict takes at most."""
        return (self.seconds or max(SECONDS.values())) + self.patience + LOOK_SECONDS

    def judge(self, cluster: Cluster, subject: Subject, alive: Callable[[], None]) -> Verdict:
        """Send the requests and judge what they came to."""
        seconds = self.seconds or SECONDS[subject.stage]
        minimum = self.minimum or max(1, int(SHARE * self.rate * seconds))
        addresses = [subject.address]
        if self.targets.factor and subject.baseline_address:
            addresses.append(subject.baseline_address)
        samples = self._measure(cluster, subject, addresses, seconds, alive)
        result, told = self.targets.judge(
            samples[0], minimum, samples[1] if len(samples) > 1 else None
        )
        numbers = samples[0].numbers
        if len(samples) > 1:
            numbers |= {f"other_{key}": samples[1].numbers[key] for key in ("failed", "p99_ms")}
        return Verdict(self.name, result, told, numbers)

    def _measure(
        self,
        cluster: Cluster,
        subject: Subject,
        addresses: list[str],
        seconds: float,
        alive: Callable[[], None],
    ) -> list[Sample]:
        end = time.monotonic() + seconds
        with ExitStack() as stack:
            probes = []
            for address in addresses:
                target = through_the_api(cluster.socket, subject.namespace, address, subject.port)
                path = self.path or subject.health
                load = Load(target, path, self.rate, self.patience, self.connections)
                probes.append(stack.enter_context(running(load)))
            while (left := end - time.monotonic()) > 0:
                alive()
                if self.targets.hopeless(probes[0].sample(), int(self.rate * seconds)):
                    break
                time.sleep(min(LOOK_SECONDS, left))
        return [probe.sample() for probe in probes]


def read_requests(settings: Settings, name: str, policy: Policy, slo: Slo | None) -> RequestsGate:
    """Read what the plan says about one; targets that it does not name are the promise's."""
    latency = settings.section("latency")
    gate = RequestsGate(
        name=name,
        policy=policy,
        path=settings.path("path", slo.path if slo else ""),
        rate=settings.number("rate", RATE, low=0.1, high=2000),
        seconds=settings.number("seconds", 0, low=0, high=600),
        patience=settings.number("patience_seconds", 2, low=0.05, high=30),
        connections=settings.whole("connections", 32, low=1, high=256),
        minimum=settings.whole("minimum", 0, low=0, high=1_000_000),
        targets=Targets(
            success_percent=settings.number(
                "success", slo.success_percent if slo else None, low=0, high=100
            ),
            latency_percent=latency.number(
                "percent", slo.latency_percent if slo else 99, low=0, high=100
            ),
            latency_ms=latency.number(
                "milliseconds", slo.latency_ms if slo else None, low=1, high=60_000
            ),
            worst_run=settings.whole("failures_in_a_row", 1_000_000, low=0, high=1_000_000),
            factor=settings.number("other_colour_factor", 0, low=0, high=100),
        ),
    )
    latency.finish()
    return gate
