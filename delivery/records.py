"""Records of a delivery: one entry of the history per service, when it is known what became of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from delivery import history
from delivery.bluegreen.machine import Machine
from delivery.clock import CLOCK, Clock, write_time
from delivery.cluster import ApiError, Cluster
from delivery.errors import DeliveryError
from delivery.follow import get
from delivery.gate import Stage, Verdict
from delivery.plan import Plan, Service
from delivery.progress import say
from delivery.render import REVISION, VERSION
from delivery.sample import Sample
from delivery.strategy import Strategy


@dataclass(frozen=True)
class Recorder:
    """Writes the records of one run, which began at `begun`."""

    cluster: Cluster
    plan: Plan
    clock: Clock = CLOCK
    begun: datetime = field(default_factory=CLOCK.now)

    def of_machine(self, machine: Machine, verdict: str, reason: str = "") -> None:
        """Record what became of a blue-green application; a broken record spoils nothing."""
        wanted = machine.app.release
        try:
            running = wanted or machine.look().facts.running
        except (ApiError, DeliveryError) as error:
            say(f"{machine.app.name}: the history could not be written: {error}")
            return
        gates = tuple(noted(each, stage) for (stage, _), each in machine.panel.verdicts.items())
        self._write(
            machine.app.name,
            Strategy.BLUE_GREEN,
            verdict,
            reason,
            version=running.version if running else "",
            revision=running.revision if running else "",
            image=running.image if running else "",
            barrier=running.barrier if running else "",
            gates=gates,
            probe=machine.sample.numbers if machine.sample else {},
            timings=machine.timings,
        )

    def of_rolling(
        self,
        service: Service,
        verdict: str,
        reason: str = "",
        verdicts: Iterable[Verdict] = (),
        sample: Sample | None = None,
    ) -> None:
        """Record what became of a rolling service: of what the plan wants, or of what runs after a rollback."""
        version, revision, image = service.version, self.plan.revision, service.image
        stays = self.plan.action == "deploy" and verdict != history.ROLLED_BACK
        if self.plan.action != "deploy":
            try:
                found = get(self.cluster, self.plan.namespace, service.name)
            except ApiError as error:
                say(f"{service.name}: the history could not be written: {error}")
                return
            notes = (found or {"metadata": {}})["metadata"].get("annotations") or {}
            version, revision = notes.get(VERSION, ""), notes.get(REVISION, "")
            if found is not None:
                image = found["spec"]["template"]["spec"]["containers"][0]["image"]
        self._write(
            service.name,
            Strategy.ROLLING,
            verdict,
            reason,
            version=version,
            revision=revision,
            image=image,
            barrier=service.barrier if stays else "",
            gates=tuple(noted(each, Stage.LIVE) for each in verdicts),
            probe=sample.numbers if sample else {},
        )

    def _write(
        self,
        name: str,
        strategy: Strategy,
        verdict: str,
        reason: str,
        *,
        version: str,
        revision: str,
        image: str,
        barrier: str,
        gates: tuple[Mapping[str, object], ...] = (),
        probe: Mapping[str, float] | None = None,
        timings: Mapping[str, float] | None = None,
    ) -> None:
        ended = self.clock.now()
        entry = history.Entry(
            action=str(self.plan.action),
            verdict=verdict,
            strategy=str(strategy),
            version=version,
            revision=revision,
            image=image,
            who=self.plan.who,
            plan=self.plan.digest,
            begun=write_time(self.begun),
            ended=write_time(ended),
            seconds=round((ended - self.begun).total_seconds(), 1),
            reason=reason or self.plan.reason,
            barrier=barrier,
            gates=gates,
            probe=probe or {},
            timings=timings or {},
            approved_by=self.plan.approved_by,
        )
        history.remember(self.cluster, self.plan.namespace, name, entry)


def noted(verdict: Verdict, stage: Stage) -> dict[str, object]:
    """Write a gate's verdict the way a record keeps it."""
    return {
        "gate": verdict.gate,
        "stage": str(stage),
        "result": str(verdict.result),
        "reason": verdict.reason[: history.LONGEST],
        "numbers": dict(verdict.numbers),
    }
