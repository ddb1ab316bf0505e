"""One application on its way to a goal: look, decide, make one move, look again.

What the API server refuses for a while is tried again after another look; a conflict only means that
somebody wrote in between. What another run left is a state like any other.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from enum import Enum

from delivery.bluegreen.decision import FRESH_SECONDS, decide
from delivery.bluegreen.observation import Seen, observe
from delivery.bluegreen.panel import Panel
from delivery.bluegreen.patience import Patience
from delivery.bluegreen.record import Release
from delivery.bluegreen.selection import refreshed
from delivery.bluegreen.states import Aim, Goal, Move, State, state_of
from delivery.bluegreen.steps import perform
from delivery.bluegreen.writer import Writer
from delivery.clock import read_time
from delivery.cluster import APPLY, ApiError
from delivery.gate import Stage
from delivery.ownership import MANAGER
from delivery.sample import Sample
from delivery.verify import PATIENCE_SECONDS, Answer, ask, through


class Step(Enum):
    """What came of one step."""

    MOVED = "moved"
    WAITING = "waiting"
    DONE = "done"


class Machine:
    """The machine of one application in one run. `alive` raises when the run has to stop.

    `changed` tells whether there was anything new of it, `sample` what the prober counted, `timings` how
    many seconds each stage took; all for the record. `exposed` tells whether users may be with a release
    whose watch has not ended, as far as this run knows: also when the answer to its switch was lost.
    """

    def __init__(self, writer: Writer, alive: Callable[[], None]) -> None:
        self.writer, self.app, self.alive = writer, writer.app, alive
        self.panel = Panel(writer, alive)
        self.changed = self.exposed = False
        self.sample: Sample | None = None
        self.timings: dict[str, float] = {}
        self._patience = Patience(writer.clock, writer.app)
        self._passed = ("", 0.0)

    def look(self) -> Seen:
        """Look at the application; again while the API server does not answer, raise ApiError if that lasts."""
        while True:
            self.alive()
            try:
                seen = self._look()
            except ApiError as error:
                self._patience.endure(error)
                continue
            self._patience.heard()
            return seen

    def drive(self, aim: Aim, why: str = "") -> Seen:
        """Go to a goal; raise Hopeless, Blocked, or what `alive` raises."""
        while self.step(aim, why) is not Step.DONE:
            pass
        return self.look()

    def step(self, aim: Aim, why: str = "") -> Step:
        """Make one move, or wait a moment; `why` goes into the records."""
        self.alive()
        try:
            seen = self._look()
            move = decide(seen.facts, aim)
            if move is Move.DONE:
                return Step.DONE
            if move is Move.AWAIT:
                self._patience.heard()
                self._patience.wait(seen, aim.goal)
                return Step.WAITING
            if move is Move.JUDGE:
                if not self._has_passed(seen):
                    self._judge(seen)
                    return Step.MOVED
                move, why = Move.PASS, self.panel.said(Stage.PREVIEW)
            self.exposed = self.exposed or move is Move.SWITCH
            perform(self.writer, move, seen, aim, why)
        except ApiError as error:
            self._patience.endure(error)
            return Step.WAITING
        self._patience.moved()
        if move is not Move.CLAIM:
            self._patience.tell(f"{self.app.name}: {move} (idle: {seen.facts.target})")
        return Step.MOVED

    @property
    def pending(self) -> bool:
        """Tell whether the wanted release waits for its switch or is being watched."""
        facts, want = self.look().facts, self.app.release
        held = facts.running if state_of(facts) is State.WATCHING else facts.unfinished
        return bool(want and held and held.digest == want.digest)

    @property
    def watching(self) -> bool:
        """Tell whether users were sent to a release whose watch has not ended."""
        return state_of(self.look().facts) is State.WATCHING

    def judge_anew(self) -> None:
        """Forget what gates said; another release is judged from now on."""
        self.panel = Panel(self.writer, self.alive)

    def insist(self) -> None:
        """Bear with the API server as at the beginning, for users have to be brought back."""
        self._patience.anew()

    def aim(self, release: Release | None) -> None:
        """Want another release from now on, as a promotion wants what waits on the idle colour."""
        self.app = replace(self.app, release=release)
        self.writer = replace(self.writer, app=self.app)

    def answer(self) -> Answer:
        """Ask whether the service answers its users, with patience."""
        target = through(self.app.namespace, self.app.name, self.app.health)
        return ask(self.writer.cluster, target, PATIENCE_SECONDS, self.writer.clock)

    def refresh(self) -> None:
        """Let the active Service have what the manifests say, but for its colour."""
        while wanted := refreshed(self.look(), self.app):
            path = f"{self.writer.services(self.app.name)}?fieldManager={MANAGER}&force=true"
            try:
                self.writer.cluster.request("PATCH", path, wanted, APPLY)
            except ApiError as error:
                self._patience.endure(error)
                continue
            self._patience.heard()
            return

    def watch_left(self) -> float:
        """Tell how many seconds of the watch are left; another run may have begun it."""
        record, whole = self.look().facts.record, float(self.app.options.watch_seconds)
        if record is None:
            return 0.0
        end = read_time(record.since) + timedelta(seconds=whole)
        return min((end - self.writer.clock.now()).total_seconds(), whole)

    def give_up(self, why: str) -> None:
        """Note that the live release failed and that there is no way back; the next may replace it."""
        while state_of((seen := self.look()).facts) is State.WATCHING:
            try:
                perform(self.writer, Move.SETTLE, seen, Aim(Goal.UNDO), why)
            except ApiError as error:
                self._patience.endure(error)

    def _look(self) -> Seen:
        writer, app = self.writer, self.app
        known = (writer.cluster, writer.clock, app.namespace, app.name, writer.run)
        seen = observe(*known, app.selector, app.matched)
        self.exposed = state_of(seen.facts) is State.WATCHING
        return seen

    def _judge(self, seen: Seen) -> None:
        """Ask the preview's gates; raise Blocked. The note of it is another step, after another look."""
        self._patience.tell(f"{self.app.name}: asking the gates of {seen.facts.target}")
        self.panel.judge_preview(seen)
        held = seen.facts.idle.release
        self._passed = (held.id if held else "", self.writer.clock.monotonic())

    def _has_passed(self, seen: Seen) -> bool:
        """Tell whether the gates let this release through a moment ago; only the note is missing."""
        held, (passed, at) = seen.facts.idle.release, self._passed
        recent = self.writer.clock.monotonic() - at < FRESH_SECONDS
        return held is not None and held.id == passed and recent
