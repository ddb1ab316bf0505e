"""Asking gates: once on the preview, in rounds on the live Service. Nothing is written here."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from delivery.clock import CLOCK, Clock
from delivery.cluster import Cluster
from delivery.gate import Gate, Policy, Result, Stage, Subject, Verdict, blocks
from delivery.verify import PATIENCE_SECONDS, ask, through

HEALTH_LIMIT = 2
"""Bad rounds in a row that count: right after a switch one answer may still come the old way."""


class Blocked(Exception):  # noqa: N818  a verdict about the release, not a defect
    """A gate stands against the release."""

    def __init__(self, application: str, verdict: Verdict) -> None:
        told = f"{application}: gate {verdict.gate}: {verdict.result}: {verdict.reason}"
        super().__init__(told)
        self.application, self.verdict = application, verdict


@dataclass(frozen=True)
class Health:
    """The gate that is always there: the service answers its health."""

    name: str = "health"
    policy: Policy = field(default_factory=lambda: Policy(limit=HEALTH_LIMIT))
    clock: Clock = CLOCK

    def judge(self, cluster: Cluster, subject: Subject, _alive: Callable[[], None]) -> Verdict:
        """Ask through the Service; on the preview with patience."""
        patience = PATIENCE_SECONDS if subject.stage is Stage.PREVIEW else 0.0
        target = through(subject.namespace, subject.address, subject.health)
        answer = ask(cluster, target, patience, self.clock)
        result = Result.PASS if answer.good else Result.FAIL
        return Verdict(self.name, result, f"{subject.health} answers {answer.told}")


@dataclass
class Rounds:
    """The bad results in a row of each gate, by its name."""

    policies: Mapping[str, Policy]
    streaks: dict[str, int] = field(default_factory=dict)

    @property
    def in_doubt(self) -> bool:
        """Tell whether a gate's last result was bad, though not yet often enough to block."""
        return any(self.streaks.values())

    def count(self, verdict: Verdict) -> bool:
        """Take in a verdict; tell whether it blocks now."""
        policy = self.policies[verdict.gate]
        bad = blocks(policy, verdict.result)
        self.streaks[verdict.gate] = self.streaks.get(verdict.gate, 0) + 1 if bad else 0
        return self.streaks[verdict.gate] >= max(1, policy.limit)


def ask_all(
    cluster: Cluster, gates: Sequence[Gate], subject: Subject, alive: Callable[[], None]
) -> list[Verdict]:
    """Ask all gates side by side and give their verdicts in order."""
    if len(gates) == 1:
        return [gates[0].judge(cluster, subject, alive)]
    with ThreadPoolExecutor(max(1, len(gates)), thread_name_prefix="gate") as pool:
        asked = [pool.submit(gate.judge, cluster, subject, alive) for gate in gates]
        return [each.result() for each in asked]
