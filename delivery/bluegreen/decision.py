"""Which move leads to a goal, from where an application is. Pure.

`decide` is asked again after every move, so a run that was killed, or overtaken, is continued by whoever
asks next. It gives no move that the table of transitions does not have.
"""

from delivery.bluegreen.colours import Colour
from delivery.bluegreen.facts import (
    Facts,
    adoptable,
    expired,
    just_selected,
    needed,
    needed_back,
    standby_over,
)
from delivery.bluegreen.record import Phase, Release, Standing
from delivery.bluegreen.states import TRANSITIONS, Aim, Goal, Move, State, state_of

FRESH_SECONDS = 120
"""For how long the verdict of the preview's gates counts; an older one is asked for anew."""


def decide(facts: Facts, aim: Aim) -> Move:
    """Give the next move towards a goal."""
    move = _TOWARDS[aim.goal](facts, aim)
    if not facts.claimed and (aim.goal is not Goal.TIDY or move is not Move.DONE):
        return Move.CLAIM
    state = state_of(facts)
    if move in TRANSITIONS and state not in TRANSITIONS[move][0]:
        raise RuntimeError(f"no transition: {move} from {state} towards {aim.goal}")
    return move


def _adopt(facts: Facts, _: Aim) -> Move:
    if facts.live:
        return _remove_plain(facts)
    colour = adoptable(facts)
    if not facts.service or colour is None:
        return Move.DONE
    plain, side = facts.plain, facts.side(colour)
    if not plain.wanted:
        return Move.ADOPT
    if not plain.ready:
        # What crashes and serves nobody cannot be adopted; beside it this is a first installation.
        return Move.DONE if plain.hopeless and not plain.routed else Move.AWAIT
    held = side.release
    same = held and held.digest == plain.content and held.phase is not Phase.REJECTED
    if not side.exists:
        return Move.CREATE
    if not same or side.wanted < plain.wanted:
        return Move.CLONE
    return Move.ADOPT if side.rolled_out and side.ready >= plain.ready else Move.AWAIT


def _remove_plain(facts: Facts) -> Move:
    if not facts.plain.exists:
        return Move.DONE
    return Move.AWAIT if facts.plain.routed or just_selected(facts) else Move.REMOVE_PLAIN


def _preview(facts: Facts, aim: Aim) -> Move:
    want, idle = aim.release, facts.idle
    if want is None or state_of(facts) is State.WATCHING:
        return Move.DONE
    if facts.serves(want) and not _failed(facts):
        unwanted = idle.wanted and not facts.previous
        return _retire(facts) if unwanted else _size(facts, want)
    held = facts.unfinished
    if held is None or held.digest != want.digest or not idle.wanted:
        if idle.wanted:
            return _retire(facts)
        if idle.exists and not idle.fits:
            return _remove_idle(facts)
        return Move.PREPARE if idle.exists else Move.CREATE
    if facts.preview is not facts.target or not facts.preview_ours:
        return Move.POINT_PREVIEW
    if idle.wanted < needed(facts):
        return Move.SCALE
    if not idle.rolled_out or min(idle.ready, idle.previewed) < needed(facts):
        return Move.AWAIT
    if held.phase is Phase.PREPARING or expired(facts, FRESH_SECONDS):
        return Move.JUDGE
    return Move.DONE


def _remove_idle(facts: Facts) -> Move:
    """Make room for a Deployment that finds its pods by other labels, once nobody is left on this one."""
    idle = facts.idle
    left = idle.routed or idle.ready or just_selected(facts)
    return Move.AWAIT if left else Move.REMOVE_COLOUR


def _failed(facts: Facts) -> bool:
    return facts.record is not None and facts.record.standing is Standing.FAILED


def _switch(facts: Facts, _: Aim) -> Move:
    idle, held = facts.idle, facts.unfinished
    if state_of(facts) is State.WATCHING or held is None or held.phase is not Phase.PREVIEWED:
        return _point(facts)
    if idle.wanted < needed(facts):
        return Move.SCALE
    if not idle.rolled_out or idle.ready < needed(facts):
        return Move.AWAIT
    return Move.SWITCH


def _settle(facts: Facts, aim: Aim) -> Move:
    if state_of(facts) is State.WATCHING:
        return Move.SETTLE
    move = _remove_plain(facts) if facts.live else Move.DONE
    return _size(facts, aim.release) if move is Move.DONE else move


def _size(facts: Facts, want: Release | None) -> Move:
    """Follow a number of replicas that changed in the manifest; what an autoscaler made of it stays."""
    held = facts.active.release if facts.live else None
    if want is None or held is None or want.replicas in (None, held.replicas):
        return Move.DONE
    return Move.SIZE


def _undo(facts: Facts, _: Aim) -> Move:
    state, record = state_of(facts), facts.record
    if state is State.WATCHING:
        if record is None or facts.previous is None or record.release.barrier:
            return Move.SETTLE
        return _escape(facts)
    if state is State.SPENT or (facts.unfinished and facts.idle.wanted):
        return _retire(facts)
    return _point(facts)


def _warm(facts: Facts, _: Aim) -> Move:
    """Bring up the release before, so that a rollback of several begins when all of them can go."""
    move = _back(facts) if facts.previous else Move.DONE
    return Move.DONE if move is Move.BACK else move


def _rollback(facts: Facts, _: Aim) -> Move:
    if facts.record and facts.record.standing is Standing.ROLLED_BACK:
        return _retire(facts) if state_of(facts) is State.SPENT else _point(facts)
    return _back(facts) if facts.previous else Move.DONE


def _escape(facts: Facts) -> Move:
    """Leave a release that was judged bad: fewer good pods are better than all of the bad ones.

    The rest are asked for first, in the same breath, and come up behind the users.
    """
    idle = facts.idle
    if idle.wanted < max(1, facts.active.wanted):
        return Move.SCALE
    return Move.BACK if idle.ready else Move.AWAIT


def _back(facts: Facts) -> Move:
    """Go back in peace: only to as many pods as serve now."""
    idle = facts.idle
    if idle.ready >= needed_back(facts):
        return Move.BACK
    return Move.SCALE if idle.wanted < max(1, facts.active.wanted) else Move.AWAIT


def _abort(facts: Facts, _: Aim) -> Move:
    return _retire(facts) if facts.unfinished and facts.idle.wanted else Move.DONE


def _tidy(facts: Facts, aim: Aim) -> Move:
    state = state_of(facts)
    if state in (State.PREPARING, State.PREVIEWED):
        return _retire(facts) if expired(facts, aim.preview_seconds) else Move.DONE
    if state is State.SPENT or (state is State.STANDBY and standby_over(facts)):
        return _retire(facts)
    return _remove_plain(facts) if facts.live else Move.DONE


def _retire(facts: Facts) -> Move:
    """Scale idle down, once nobody is sent to it any more."""
    sent = facts.live and (facts.idle.routed or just_selected(facts))
    return Move.AWAIT if sent else Move.RETIRE


def _point(facts: Facts) -> Move:
    """Keep the preview on the idle colour, where there is one."""
    known = facts.has_preview and facts.live and facts.idle.exists
    return Move.POINT_PREVIEW if known and facts.preview is not facts.target else Move.DONE


def _exit(facts: Facts, _: Aim) -> Move:
    if facts.live is None:
        return _leave(facts)
    if facts.idle.exists:
        sent = facts.idle.routed or just_selected(facts)
        return Move.AWAIT if sent else Move.REMOVE_COLOUR
    plain, running = facts.plain, facts.running
    same = plain.release and running and plain.release.id == running.id
    if not same or plain.wanted < facts.active.wanted:
        return Move.RESTORE
    ready = plain.rolled_out and plain.ready >= max(1, facts.active.wanted)
    return Move.WIDEN if ready else Move.AWAIT


def _leave(facts: Facts) -> Move:
    """Remove the colours when the plain Deployment serves, or when they serve nobody."""
    plain = facts.plain
    serves = plain.rolled_out and plain.routed >= max(1, plain.wanted)
    for side in (facts.side(colour) for colour in Colour):
        if side.exists:
            if not facts.service or serves or not (side.routed or side.ready):
                return Move.REMOVE_COLOUR
            return Move.AWAIT if plain.wanted else Move.RESTORE
    return Move.REMOVE_PREVIEW if facts.has_preview else Move.DONE


_TOWARDS = {
    Goal.ADOPT: _adopt,
    Goal.PREVIEW: _preview,
    Goal.SWITCH: _switch,
    Goal.SETTLE: _settle,
    Goal.UNDO: _undo,
    Goal.WARM: _warm,
    Goal.ROLLBACK: _rollback,
    Goal.ABORT: _abort,
    Goal.TIDY: _tidy,
    Goal.EXIT: _exit,
}
