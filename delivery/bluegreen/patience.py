"""How long a run waits: for pods as long as they may still come, for an API server as long as it may come back."""

from typing import NoReturn

from delivery.bluegreen.application import Application
from delivery.bluegreen.colours import Colour, side_name
from delivery.bluegreen.observation import PLAIN, Key, Seen
from delivery.bluegreen.states import Goal
from delivery.clock import Clock
from delivery.cluster import CONFLICT, NOT_FOUND, ApiError, passing
from delivery.follow import DEAF_SECONDS, LOOK_SECONDS, Hopeless
from delivery.progress import say
from delivery.rollout import Trouble

STALE = frozenset({CONFLICT, NOT_FOUND})
"""Refusals that another look gets over: somebody wrote in between."""


class Patience:
    """The patience of one run with one application."""

    def __init__(self, clock: Clock, app: Application) -> None:
        self._clock, self._app = clock, app
        self._deaf_since: float | None = None
        self._waits: tuple[Goal, float] | None = None
        self._troubled: tuple[str, float] | None = None
        self._told = ""

    def heard(self) -> None:
        """Note that the API server answered."""
        self._deaf_since = None

    def anew(self) -> None:
        """Begin with fresh patience, for what has to be tried whatever came before."""
        self.moved()

    def moved(self) -> None:
        """Note that it went on."""
        self._deaf_since = self._waits = self._troubled = None

    def tell(self, line: str) -> None:
        """Tell people something, once in a row."""
        if line != self._told:
            self._told = line
            say(line)

    def wait(self, seen: Seen, goal: Goal) -> None:
        """Wait a moment; raise Hopeless when waiting longer would change nothing."""
        now, name, trouble = self._clock.monotonic(), self._app.name, None
        if self._waits is None or self._waits[0] is not goal:
            self._waits = goal, now
        for key in _awaited(seen, goal):
            if key in seen.progress:
                name, trouble = _name(name, key), seen.progress[key].trouble
                self.tell(seen.progress[key].message)
        if trouble is None:
            self._troubled = None
        elif self._troubled is None or self._troubled[0] != trouble.reason:
            self._troubled = trouble.reason, now
        if trouble and self._troubled and now - self._troubled[1] >= trouble.patience:
            raise Hopeless(name, trouble)
        if now - self._waits[1] > self._app.rollout_seconds:
            late = Trouble(f"not there within {self._app.rollout_seconds:.0f} seconds")
            raise Hopeless(name, late)
        self._clock.sleep(LOOK_SECONDS)

    def endure(self, error: ApiError) -> None:
        """Wait before another look; raise ApiError when the refusal lasts or will not change."""
        if error.status not in STALE and not passing(error):
            self._refuse(error)
        if self._deaf_since is None:
            self._deaf_since = self._clock.monotonic()
        elif self._clock.monotonic() - self._deaf_since > DEAF_SECONDS:
            self._refuse(error)
        self.tell(f"{self._app.name}: trying again: {error}")
        self._clock.sleep(LOOK_SECONDS)

    def _refuse(self, error: ApiError) -> NoReturn:
        told = f"{self._app.name}: {error}. Nothing is lost: run it again, it goes on from here"
        raise ApiError(error.status, told) from error


def _name(application: str, key: Key) -> str:
    return side_name(application, key) if key else application


def _awaited(seen: Seen, goal: Goal) -> tuple[Key, ...]:
    """Tell whose coming up is waited for; nobody's when only the slices lag."""
    facts = seen.facts
    match goal:
        case Goal.ADOPT if facts.live is None:
            return (Colour.BLUE if facts.side(Colour.BLUE).wanted else PLAIN,)
        case Goal.PREVIEW | Goal.SWITCH if facts.unfinished:
            return (facts.target,)
        case Goal.UNDO | Goal.WARM | Goal.ROLLBACK if facts.previous:
            return (facts.target,)
        case Goal.EXIT if not facts.idle.exists:
            return (PLAIN,)
    return ()
