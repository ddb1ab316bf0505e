"""One run of GitOps mode: what it takes before anything is done, and the two things it does, commit and wait."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from delivery import freeze
from delivery.apply import rehearse
from delivery.cluster import Cluster, Obj
from delivery.gitops.converge import SYNC_SECONDS, converge
from delivery.gitops.kustomization import read_pins
from delivery.gitops.ledger import Ledger
from delivery.gitops.message import Move, Place, Record, Step, write_message
from delivery.gitops.overlay import Overlay
from delivery.gitops.pins import Pin, read_pin
from delivery.gitops.publish import Desk, check_overtaken, publish
from delivery.gitops.rendering import Change, check_rendering, rendered
from delivery.gitops.repository import cloned
from delivery.gitops.rules import check_plain, settings_of
from delivery.gitops.standing import Standing, standings
from delivery.lease import NAME as ENVIRONMENT
from delivery.lease import all_locked, name_of
from delivery.plan import Action, Plan
from delivery.preflight import allowed, check, check_room, ensure_namespace, reach
from delivery.progress import say
from delivery.release import holder
from delivery.rolling import line
from delivery.verify import verify

PATIENCE_SECONDS = 60.0
"""For the lock, beyond the delivery that may hold it and its way back."""


@dataclass(frozen=True)
class Run:
    """A run that holds the locks and has the branch in a clone. `alive` raises when a lock is lost."""

    cluster: Cluster
    plan: Plan
    desk: Desk
    alive: Callable[[], None]

    @property
    def where(self) -> str:
        """Name the branch, for people."""
        settings = self.plan.gitops
        return f"{settings.branch} of {settings.repository}" if settings else "git"

    @property
    def person(self) -> str:
        """Say what somebody has to look at, when nothing more can be done from here."""
        namespace = self.plan.namespace
        return f"It needs a person: kubectl -n {namespace} get pods, and git log of {self.where}"

    def lines(self, names: Iterable[str]) -> str:
        """Write what runs of some services, a line for each."""
        return "\n".join(line(self.cluster, self.plan.namespace, name) for name in names)

    def commit_line(self, commit: str) -> str:
        """Name a commit and where it is."""
        return f"commit {commit[:10]} on {self.where}"

    def standings(self) -> dict[str, Standing]:
        """Look where the plan's services stand."""
        repository, overlay = self.desk.repository, self.desk.overlay
        ledger = Ledger(repository, self.plan.environment, overlay.path)
        names = [service.name for service in self.plan.services]
        return standings(self.cluster, self.plan.namespace, ledger, self.desk.pins(), names)

    def commit(self, step: Step, moves: tuple[Move, ...], reason: str = "") -> str:
        """Bring moves to the branch; return the commit that has them."""
        plan = self.plan
        record = Record(step, plan.environment, moves, plan.digest, plan.who, plan.approved_by)
        wanted = {move.name: read_pin(move.to.image) for move in moves}

        def judge(before: str, after: str) -> None:
            changed = self.judge(before, after, wanted)
            if step is Step.DEPLOY:
                self._try_out(changed)

        message = write_message(record, reason or plan.reason)
        pushed = publish(self.desk, wanted, message, judge)
        if not pushed:
            say(f"unchanged: {self.where} says so already")
            return self.desk.repository.head
        say(f"{self.commit_line(pushed)}: {message.splitlines()[0]}")
        return pushed

    def wait(self, places: Mapping[str, Place], since: str) -> None:
        """Wait until the cluster runs what a commit says; raise Hopeless, VerificationError or Overtaken."""
        wanted = {name: read_pin(place.image) for name, place in places.items()}

        def overtaken() -> None:
            check_overtaken(self.desk, wanted, since)

        images = {name: place.image for name, place in places.items()}
        converge(self.cluster, self.plan, images, self.alive, overtaken)
        services = [each for each in self.plan.services if each.name in places]
        verify(self.cluster, self.plan.namespace, services)

    def judge(self, before: str, after: str, wanted: Mapping[str, Pin]) -> list[Obj]:
        """Judge an edit by what it renders to; return the Deployments that it changes, raise Refused."""
        pins, now, then = read_pins(before), self._rendered(before), self._rendered(after)
        changes = {
            name: Change(pins.get(name), pin)
            for name, pin in wanted.items()
            if pins.get(name) != pin
        }
        check_rendering(now, then, changes)
        return [
            each
            for each in then
            if each["kind"] == "Deployment" and each["metadata"]["name"] in changes
        ]

    def _rendered(self, text: str) -> list[Obj]:
        self.desk.overlay.write(text)
        return rendered(self.cluster, self.plan.namespace, self.desk.overlay.folder)

    def _try_out(self, objects: list[Obj]) -> None:
        check_room(self.cluster, self.plan, objects)
        if allowed(self.cluster, self.plan.namespace, ("create", "apps", "deployments")):
            rehearse(self.cluster, self.plan.namespace, objects)
        else:
            say("no right to create deployments, so the API server was not asked beforehand")


@contextmanager
def begun(cluster: Cluster, plan: Plan) -> Iterator[Run]:
    """Check what can be checked, take the locks, clone the branch; raise Refused or PreflightError."""
    settings = settings_of(plan)
    say(f"cluster {reach(cluster)}, namespace {plan.namespace}, plan {plan.digest[:19]}")
    say(f"mode gitops: {settings.folder} on {settings.branch} of {settings.repository}")
    ensure_namespace(cluster, plan)
    _check_freeze(cluster, plan)
    check(cluster, plan, [])
    names = [ENVIRONMENT, *(name_of(service.name) for service in plan.services)]
    patience = 2 * (plan.rollout_seconds + SYNC_SECONDS) + PATIENCE_SECONDS
    with all_locked(cluster, plan.namespace, holder(), patience, names) as alive:
        _check_freeze(cluster, plan)
        check_plain(cluster, plan)
        with cloned(settings) as repository:
            overlay = Overlay(repository.folder, settings.folder)
            yield Run(cluster, plan, Desk(repository, overlay), alive)


def _check_freeze(cluster: Cluster, plan: Plan) -> None:
    """Let nothing new into a frozen environment; going back stays possible."""
    if plan.action is Action.DEPLOY:
        freeze.check(cluster, plan.namespace, "deploy")
