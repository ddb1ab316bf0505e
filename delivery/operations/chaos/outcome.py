"""What experiments came to: a verdict per experiment and service, from the requests and from what was seen. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from delivery.modes import ChaosKind
from delivery.operations.table import table
from delivery.sample import Sample

HEAD = ("experiment", "service", "sent", "failed", "p99 ms", "verdict")


class Verdict(StrEnum):
    """Whether users would have noticed."""

    PASS = "pass"  # noqa: S105  a verdict, not a password
    FAIL = "fail"
    NOT_MADE = "not made"


@dataclass
class Notes:
    """What an experiment did to each service, and what went wrong or could not be done."""

    done: dict[str, list[str]] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)

    def did(self, service: str, what: str) -> None:
        """Note a deed."""
        self.done.setdefault(service, []).append(what)


@dataclass(frozen=True)
class Outcome:
    """One line of the report."""

    kind: ChaosKind
    service: str
    verdict: Verdict
    told: str
    sample: Sample

    @property
    def row(self) -> tuple[str, ...]:
        """The cells of the line."""
        sample, verdict = self.sample, f"{self.verdict}: {self.told}" if self.told else self.verdict
        numbers = (str(sample.sent), str(sample.failed), f"{sample.p99_ms:.1f}")
        if not sample.sent:
            numbers = ("-", "-", "-")
        return (self.kind, self.service, *numbers, verdict)


def judged(kind: ChaosKind, notes: Notes, samples: Mapping[str, Sample]) -> list[Outcome]:
    """Judge an experiment by service. A service that nothing was done to passes nothing."""
    return [
        Outcome(kind, name, *_judge(name, notes, found), found) for name, found in samples.items()
    ]


def not_made(kind: ChaosKind, services: Iterable[str], why: str) -> list[Outcome]:
    """Say of an experiment that it was not made at all."""
    return [Outcome(kind, "all", Verdict.NOT_MADE, why, Sample())] if list(services) else []


def written(outcomes: Iterable[Outcome]) -> str:
    """Write outcomes for people."""
    return table(HEAD, [each.row for each in outcomes], "  ")


def _judge(name: str, notes: Notes, sample: Sample) -> tuple[Verdict, str]:
    done = ", ".join(notes.done.get(name, ()))
    problem, skipped = notes.problems.get(name, ""), notes.skipped.get(name, "")
    if sample.failed:
        counted = ", ".join(f"{number}x {why}" for why, number in sample.failures.items())
        told = [f"{counted}, {sample.worst_run} in a row", done, problem, skipped]
        return Verdict.FAIL, "; ".join(filter(None, told))
    if problem:
        return Verdict.FAIL, problem
    if skipped or not done:
        return Verdict.NOT_MADE, skipped or "its turn never came; give it more seconds"
    if not sample.sent:
        why = sample.way or "no request was sent"
        return Verdict.NOT_MADE, f"nothing reached the service, so nothing is known: {why}"
    return Verdict.PASS, done
