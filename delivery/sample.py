"""What a series of requests came to: counts, percentiles, the longest row of failures. Pure.

Times are milliseconds from the moment a request was due, not from the moment it was sent, so that a
service that keeps the prober waiting does not look faster for it (coordinated omission).
"""

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Outcome:
    """One request by its place in the series. Good when there is no failure.

    `way` tells what went wrong before the service was asked: such a request says nothing about it. `lag_ms` is the
    part of its time in which this program itself was late.
    """

    place: int
    milliseconds: float
    failure: str = ""
    way: str = ""
    timed: bool = True
    lag_ms: float = 0.0

    @property
    def least_ms(self) -> float:
        """The time that the service needed at least."""
        return max(0.0, self.milliseconds - self.lag_ms)


@dataclass(frozen=True)
class Sample:
    """A summary. `sent` counts what the service was asked, `failed` what it did not answer as it should.

    `unmeasured` requests never reached the service and are in neither. Percentiles are over the requests that were answered or
    waited for in vain; they are 0 when there is none. `worst_run` is the longest row of failures,
    `failures` counts them by reason, `lag_ms` is how late a request was at most by this program's own doing.
    `times` are in order, and so are `least_times`, which are without that lateness.
    """

    sent: int = 0
    failed: int = 0
    unmeasured: int = 0
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    max_ms: float = 0.0
    worst_run: int = 0
    lag_ms: float = 0.0
    failures: Mapping[str, int] = field(default_factory=dict)
    first_failure: str = ""
    way: str = ""
    times: tuple[float, ...] = field(default=(), repr=False)
    least_times: tuple[float, ...] = field(default=(), repr=False)

    @property
    def success_percent(self) -> float:
        """How many of the asked ones were good; 0 when none was asked."""
        return 100.0 * (self.sent - self.failed) / self.sent if self.sent else 0.0

    def within(self, milliseconds: float) -> int:
        """Count those that were answered, or waited for in vain, and took no longer."""
        return bisect_right(self.times, milliseconds)

    @property
    def numbers(self) -> dict[str, float]:
        """The handful that a record keeps."""
        told = {
            "sent": self.sent,
            "failed": self.failed,
            "unmeasured": self.unmeasured,
            "p50_ms": self.p50_ms,
            "p99_ms": self.p99_ms,
            "lag_ms": self.lag_ms,
        }
        return {name: round(float(value), 3) for name, value in told.items()}


def percentile(ordered: Sequence[float], percent: float) -> float:
    """Take the smallest value that `percent` of all do not exceed (nearest rank); 0 when there is none."""
    if not ordered:
        return 0.0
    return ordered[max(1, math.ceil(len(ordered) * percent / 100)) - 1]


def summarize(outcomes: Iterable[Outcome]) -> Sample:
    """Sum up requests, which may come in any order."""
    series = sorted(outcomes, key=lambda each: each.place)
    asked = [each for each in series if not each.way]
    failed = [each for each in asked if each.failure]
    times = tuple(sorted(each.milliseconds for each in asked if each.timed))
    return Sample(
        sent=len(asked),
        failed=len(failed),
        unmeasured=len(series) - len(asked),
        p50_ms=percentile(times, 50),
        p99_ms=percentile(times, 99),
        max_ms=times[-1] if times else 0.0,
        worst_run=_worst_run(asked),
        lag_ms=max((each.lag_ms for each in series), default=0.0),
        failures=dict(Counter(each.failure for each in failed).most_common()),
        first_failure=failed[0].failure if failed else "",
        way=next((each.way for each in series if each.way), ""),
        times=times,
        least_times=tuple(sorted(each.least_ms for each in asked if each.timed)),
    )


def _worst_run(asked: Iterable[Outcome]) -> int:
    worst = run = 0
    for each in asked:
        run = run + 1 if each.failure else 0
        worst = max(worst, run)
    return worst
