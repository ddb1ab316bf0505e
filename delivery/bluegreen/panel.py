"""The panel of one application: all gates of a stage, the health and the pods among them, and their verdicts."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from delivery.bluegreen.colours import LABEL, PREVIEW, Colour
from delivery.bluegreen.judging import Blocked, Health, Rounds, ask_all
from delivery.bluegreen.observation import Seen
from delivery.bluegreen.states import State, state_of
from delivery.bluegreen.writer import Writer
from delivery.clock import read_time
from delivery.gate import Gate, Policy, Result, Stage, Subject, Verdict
from delivery.progress import say
from delivery.rollout import Trouble

PODS = "pods"
"""The name of the verdict on whether the live pods work at all."""


class Panel:
    """Asks, and keeps the last verdict of each gate for the record."""

    def __init__(self, writer: Writer, alive: Callable[[], None]) -> None:
        self._writer, self._app, self._alive = writer, writer.app, alive
        self._health = Health(clock=writer.clock)
        live = policies([self._health, *self._app.live_gates])
        self._rounds = Rounds({PODS: Policy(), **live})
        self.verdicts: dict[tuple[Stage, str], Verdict] = {}

    def judge_preview(self, seen: Seen) -> None:
        """Ask the preview's gates once; raise Blocked."""
        once = {
            name: replace(policy, limit=1)
            for name, policy in policies([self._health, *self._app.preview_gates]).items()
        }
        verdicts = self._ask(seen, Stage.PREVIEW)
        for verdict in verdicts:
            say(f"{self._app.name}: gate {verdict.gate}: {verdict.result}: {verdict.reason}")
        self._count(Stage.PREVIEW, Rounds(once), verdicts)

    def judge_live(self, seen: Seen) -> None:
        """Ask the live gates, one round; raise Blocked."""
        verdicts = [_pods(seen)]
        if verdicts[0].result is Result.PASS:
            verdicts += self._ask(seen, Stage.LIVE)
        self._count(Stage.LIVE, self._rounds, verdicts)

    @property
    def in_doubt(self) -> bool:
        """Tell whether the last round on the live Service had something bad to say."""
        return self._rounds.in_doubt

    def said(self, stage: Stage) -> str:
        """Sum up a stage in a line."""
        found = [each for (at, _), each in self.verdicts.items() if at is stage]
        return "; ".join(f"{each.gate}: {each.result}" for each in found)

    def subject(self, seen: Seen, stage: Stage) -> Subject:
        """Say what the gates of a stage judge."""
        facts, app, preview = seen.facts, self._app, stage is Stage.PREVIEW
        colour = facts.target if preview or facts.live is None else facts.live
        held, other = facts.side(colour).release, facts.side(colour.other)
        dated = held.since if preview and held else facts.record.since if facts.record else ""
        return Subject(
            namespace=app.namespace,
            service=app.name,
            colour=colour,
            address=app.name + (PREVIEW if preview else ""),
            health=app.health,
            pods=_pods_of(seen, colour),
            baseline=_pods_of(seen, colour.other) if other.ready else "",
            stage=stage,
            since=read_time(dated) if dated else facts.now,
            baseline_address=app.name + ("" if preview else PREVIEW) if other.ready else "",
        )

    def _ask(self, seen: Seen, stage: Stage) -> list[Verdict]:
        """Ask the health, and the gates of a stage unless it is a preview that does not even answer."""
        subject, cluster = self.subject(seen, stage), self._writer.cluster
        gates = self._app.preview_gates if stage is Stage.PREVIEW else self._app.live_gates
        first = self._health.judge(cluster, subject, self._alive)
        if not gates or (stage is Stage.PREVIEW and first.result is not Result.PASS):
            return [first]
        return [first, *ask_all(cluster, gates, subject, self._alive)]

    def _count(self, stage: Stage, rounds: Rounds, verdicts: Sequence[Verdict]) -> None:
        for verdict in verdicts:
            self.verdicts[stage, verdict.gate] = verdict
        for verdict in verdicts:
            if rounds.count(verdict):
                raise Blocked(self._app.name, verdict)


def policies(gates: Sequence[Gate]) -> dict[str, Policy]:
    """List the policies of gates by their names."""
    return {gate.name: gate.policy for gate in gates}


def _pods(seen: Seen) -> Verdict:
    """Judge whether users are still sent to the release that is watched, and whether its pods work at all."""
    if state_of(seen.facts) is not State.WATCHING:
        told = (
            f"somebody else changed the Service's selector meanwhile, it selects {seen.facts.live}"
        )
        return Verdict(
            PODS, Result.FAIL, f"{told}. With Argo CD: ignoreDifferences, docs/gitops.md"
        )
    progress = seen.progress.get(seen.facts.live)
    trouble = progress.trouble if progress else Trouble("the live Deployment is gone")
    if trouble and not trouble.patience:
        return Verdict(PODS, Result.FAIL, trouble.reason)
    numbers = {"ready": float(seen.facts.active.ready)}
    return Verdict(PODS, Result.PASS, progress.message if progress else "", numbers)


def _pods_of(seen: Seen, colour: Colour) -> str:
    """Write the label selector of the pods of a colour's present release; empty when there can be none.

    Pods of the release that was on the colour before may still be ending: what they did is not its doing.
    """
    found = seen.sets.get(colour)
    if found is None:
        return ""
    labels = {**found["spec"]["selector"]["matchLabels"], LABEL: str(colour)}
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
