"""A gate that counts restarts of the colour's containers since the stage began.

A pod says how often a container was restarted in all, and when its last run ended. Before the switch all pods of
the colour are the release's own, and so is every restart. Afterwards a pod is compared with the gate's first look at it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from delivery.cluster import ApiError, Cluster, Obj
from delivery.gate import Policy, Result, Stage, Subject, Verdict
from delivery.rollout import HOPELESS
from delivery.settings import Settings

SKEW = timedelta(seconds=2)
"""How far the clocks of this machine and a node may differ; Kubernetes tells whole seconds."""


@dataclass(frozen=True)
class Container:
    """One container: its restarts in all, when its last run ended if one did; `ours` if all are the stage's."""

    key: str
    restarts: int
    waiting: str
    ended: datetime | None
    why: str
    ours: bool


@dataclass(frozen=True)
class RestartsGate:
    """Fails on more than `most` restarts, or on a container that is kept from starting.

    With `factor`, restarts count only when the other colour's containers have so many times fewer in the same time.
    """

    name: str
    policy: Policy
    most: int
    factor: float = 0.0
    seen: dict[str, int] = field(default_factory=dict, compare=False)

    @property
    def bound_seconds(self) -> float:
        """How long a verdict takes at most."""
        return 5.0

    def judge(self, cluster: Cluster, subject: Subject, alive: Callable[[], None]) -> Verdict:
        """Look at the pods once."""
        alive()
        try:
            found = self._containers(cluster, subject, subject.pods)
            compared = self.factor and subject.baseline
            others = self._containers(cluster, subject, subject.baseline) if compared else []
        except ApiError as error:
            return Verdict(self.name, Result.ERROR, f"the pods cannot be listed: {error}")
        if not found:
            return Verdict(
                self.name, Result.NO_DATA, f"no container runs in pods of {subject.pods}"
            )
        total = sum(self._since(each, subject.since) for each in found)
        other = sum(self._since(each, subject.since) for each in others)
        numbers = {"restarts": float(total), "containers": float(len(found))}
        stuck = next((each for each in found if each.waiting in HOPELESS), None)
        if stuck:
            told = f"{stuck.key} is kept from starting: {stuck.waiting}"
            return Verdict(self.name, Result.FAIL, told, numbers)
        told = f"{total} restarts of {len(found)} containers, at most {self.most}"
        if total <= self.most:
            return Verdict(self.name, Result.PASS, told, numbers)
        worst = max(found, key=lambda each: self._since(each, subject.since))
        told = f"{told}; {worst.key} ended with {worst.why}"
        if others and total / len(found) <= self.factor * other / len(others):
            told = f"{told}; but the other colour's were restarted {other} times"
            return Verdict(self.name, Result.PASS, told, numbers)
        return Verdict(self.name, Result.FAIL, told, numbers)

    @staticmethod
    def _containers(cluster: Cluster, subject: Subject, selector: str) -> list[Container]:
        pods = cluster.items(f"/api/v1/namespaces/{subject.namespace}/pods", selector)
        before = subject.stage is Stage.PREVIEW and selector == subject.pods
        return [each for pod in pods for each in containers(pod, subject.since, ours=before)]

    def _since(self, container: Container, since: datetime) -> int:
        """Count the restarts of a container since the stage began; at least as many as can be known."""
        if container.ours:
            return container.restarts
        first = self.seen.setdefault(container.key, self._first(container, since))
        return max(0, container.restarts - first)

    @staticmethod
    def _first(container: Container, since: datetime) -> int:
        """Tell how often it had been restarted when the stage began, as far as its last run tells."""
        # Kubernetes tells whole seconds, rounded down.
        recent = container.ended is not None and container.ended >= since.replace(microsecond=0)
        return container.restarts - 1 if recent else container.restarts


def containers(pod: Obj, since: datetime, *, ours: bool) -> Iterator[Container]:
    """Read the containers of a pod that say how they are; those of a pod made after `since` are ours too."""
    metadata, status = pod["metadata"], pod.get("status", {})
    ours = ours or _time(metadata["creationTimestamp"]) >= since - SKEW
    told = status.get("initContainerStatuses", []) + status.get("containerStatuses", [])
    for each in told:
        ended = each.get("lastState", {}).get("terminated") or {}
        code, reason = ended.get("exitCode", "unknown"), ended.get("reason", "")
        yield Container(
            key=f"{metadata['name']}/{each['name']}",
            restarts=int(each.get("restartCount", 0)),
            waiting=str((each.get("state", {}).get("waiting") or {}).get("reason", "")),
            ended=_time(ended["finishedAt"]) if ended.get("finishedAt") else None,
            why=f"exit code {code} {reason}".strip(),
            ours=ours,
        )


def read_restarts(settings: Settings, name: str, policy: Policy) -> RestartsGate:
    """Read what the plan says about one."""
    most = settings.whole("at_most", 0, low=0, high=1000)
    return RestartsGate(
        name, policy, most, settings.number("other_colour_factor", 0, low=0, high=100)
    )


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
