"""Publishing: edit, check, commit, push; again on top of what others pushed meanwhile, never over it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from delivery.errors import PreflightError, Refused, RolloutError
from delivery.gitops.git import GitError, pause
from delivery.gitops.kustomization import read_pins, write_pins
from delivery.gitops.message import one_line
from delivery.gitops.overlay import Overlay
from delivery.gitops.pins import Pin
from delivery.gitops.repository import Commit, Outrun, Repository
from delivery.progress import say

TRIES = 8


class Overtaken(RolloutError):  # noqa: N818  a verdict, not a defect
    """Somebody committed another image for a service of this delivery; that one counts."""


@dataclass(frozen=True)
class Desk:
    """The branch and the environment's overlay on it."""

    repository: Repository
    overlay: Overlay

    def pins(self) -> dict[str, Pin]:
        """Read what is pinned in the clone."""
        return read_pins(self.overlay.read())

    def pins_now(self) -> dict[str, Pin]:
        """Read what the branch pins now, without moving the clone."""
        head = self.repository.look()
        return read_pins(self.repository.text(head, self.overlay.path))

    def later(self, since: str) -> Commit | None:
        """Find the newest commit after another that changed the overlay's kustomization."""
        return next(iter(self.repository.log(self.overlay.path, since)), None)


def publish(
    desk: Desk, wanted: Mapping[str, Pin], message: str, check: Callable[[str, str], object]
) -> str:
    """Bring pins to the branch; return the commit's id, or nothing when they are there already.

    `check` judges an edit, by the text before and after, and raises when it may not be pushed. Raise Refused when others changed
    the same services meanwhile, PreflightError when nothing was changed, GitError when nobody knows.
    """
    repository = desk.repository
    seen, base = _those(desk, wanted), repository.head
    mine = ""
    for attempt in range(TRIES + 1):
        if attempt:
            pause(attempt - 1)
            _look_again(repository)
            if repository.contains(mine):
                return mine
            if attempt == TRIES:
                break
            now = _those(desk, wanted)
            if now != seen and now != dict(wanted):
                raise _refused(
                    desk, base, sorted(name for name in wanted if now[name] != seen[name])
                )
        text = desk.overlay.read()
        edited = write_pins(text, wanted)
        if edited == text:
            return ""
        check(text, edited)
        desk.overlay.write(edited)
        mine = repository.commit(desk.overlay.path, message)
        try:
            repository.push()
        except Outrun as outrun:
            say(f"somebody pushed first: {outrun}; once more on top of it")
        except GitError as error:
            if not error.passing:
                raise _forbidden(error) from error
            say(f"{error}\nit is looked up whether the commit arrived")
        else:
            return mine
    raise PreflightError(
        f"the branch moved on {TRIES} times while this delivery pushed; nothing of it is there."
        " Run it again"
    )


def check_overtaken(desk: Desk, wanted: Mapping[str, Pin], since: str) -> None:
    """Raise Overtaken when the branch wants something else by now; git being away is no verdict."""
    try:
        now = desk.pins_now()
    except GitError as error:
        say(f"the branch cannot be read at present: {error}")
        return
    gone = sorted(name for name, pin in wanted.items() if now.get(name) != pin)
    if gone:
        later = desk.later(since)
        told = _told(later) if later else "somebody"
        raise Overtaken(
            f"{', '.join(gone)}: {told} put another image on the branch while the cluster was waited"
            " for, so this delivery ends here. It put nothing back.\n"
            "  Rule: what was committed later counts.\n"
            "  Way out: look at that commit; deliver again what you want instead of it."
        )


def _look_again(repository: Repository) -> None:
    try:
        repository.refresh()
    except GitError as error:
        told = f"{error}\nWhether the commit arrived is not known. Run it again: it finds out and goes on"
        raise GitError(told, passing=error.passing) from error


def _those(desk: Desk, wanted: Mapping[str, Pin]) -> dict[str, Pin | None]:
    pins = desk.pins()
    return {name: pins.get(name) for name in wanted}


def _refused(desk: Desk, base: str, names: list[str]) -> Refused:
    later = desk.later(base)
    told = _told(later) if later else "somebody"
    return Refused(
        f"{', '.join(names)}: {told} changed the image on the branch while this delivery began",
        "what was committed later counts: nobody's commit is written over",
        "look at that commit; run this delivery again if it shall come after it",
    )


def _forbidden(error: GitError) -> PreflightError:
    return PreflightError(
        f"the commit was not taken, and nothing was changed: {error}\nMay these credentials push to the"
        " branch, and does it take commits without a review or a signature?"
    )


def _told(commit: Commit) -> str:
    subject = one_line(commit.message.partition("\n")[0])
    return f"commit {commit.short} of {one_line(commit.author)} ({subject})"
