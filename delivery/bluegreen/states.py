"""The state machine of blue-green: states, moves, transitions, and which move leads to a goal. Pure.

The state is derived from what the objects say (`Facts`), never stored. `decide` is asked again after
every move, so a run that was killed, or overtaken, is continued by whoever asks next. The tables are
those of `docs/delivery.md`; moves that do not stand in TRANSITIONS cannot be made.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

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

FRESH_SECONDS = 120
"""For how long the verdict of the preview's gates counts; an older one is asked for anew."""


class State(StrEnum):
    """Where an application is."""

    ABSENT = "absent"
    PLAIN = "plain"
    STEADY = "steady"
    STANDBY = "standby"
    PREPARING = "preparing"
    PREVIEWED = "previewed"
    WATCHING = "watching"
    SPENT = "spent"


class Move(StrEnum):
    """What a run does next: one conditional write, or one of the last three, which write nothing."""

    CLAIM = "claim"
    CLONE = "clone"
    ADOPT = "adopt"
    REMOVE_PLAIN = "remove-plain"
    PREPARE = "prepare"
    POINT_PREVIEW = "point-preview"
    SCALE = "scale"
    PASS = "pass"  # noqa: S105  a verdict, not a password
    SWITCH = "switch"
    SETTLE = "settle"
    BACK = "back"
    RETIRE = "retire"
    SIZE = "size"
    RESTORE = "restore"
    WIDEN = "widen"
    REMOVE_COLOUR = "remove-colour"
    REMOVE_PREVIEW = "remove-preview"
    AWAIT = "await"
    JUDGE = "judge"
    DONE = "done"


class Goal(StrEnum):
    """Where a run wants to get."""

    ADOPT = "adopt"
    PREVIEW = "preview"
    SWITCH = "switch"
    SETTLE = "settle"
    UNDO = "undo"
    ROLLBACK = "rollback"
    ABORT = "abort"
    TIDY = "tidy"
    EXIT = "exit"


@dataclass(frozen=True)
class Aim:
    """A goal, with the release that it is about and the preview's time to live in seconds."""

    goal: Goal
    release: Release | None = None
    preview_seconds: float = 0


_S = State
_OUTSIDE = frozenset({_S.ABSENT, _S.PLAIN})
_SERVED = frozenset(State) - _OUTSIDE
_QUIET = _SERVED - {_S.WATCHING}
_ALL = frozenset(State)
TRANSITIONS: Mapping[Move, tuple[frozenset[State], frozenset[State]]] = {
    Move.CLAIM: (_ALL, _ALL),
    Move.CLONE: (frozenset({_S.PLAIN}), frozenset({_S.PLAIN})),
    Move.ADOPT: (frozenset({_S.PLAIN}), _SERVED),
    Move.REMOVE_PLAIN: (_SERVED, _SERVED),
    Move.PREPARE: (_OUTSIDE | {_S.STEADY}, _OUTSIDE | {_S.PREPARING}),
    Move.POINT_PREVIEW: (_ALL, _ALL),
    Move.SCALE: (_ALL - {_S.SPENT}, _ALL - {_S.SPENT}),
    Move.PASS: (_OUTSIDE | {_S.PREPARING, _S.PREVIEWED}, _OUTSIDE | {_S.PREVIEWED}),
    Move.SWITCH: (_OUTSIDE | {_S.PREVIEWED}, frozenset({_S.WATCHING})),
    Move.SETTLE: (frozenset({_S.WATCHING}), frozenset({_S.STEADY, _S.STANDBY, _S.SPENT})),
    Move.BACK: (
        frozenset({_S.WATCHING, _S.STANDBY, _S.STEADY}),
        frozenset({_S.STEADY, _S.SPENT}),
    ),
    Move.RETIRE: (_ALL - {_S.STEADY, _S.WATCHING}, _OUTSIDE | {_S.STEADY}),
    Move.SIZE: (_QUIET, _QUIET),
    Move.RESTORE: (_QUIET | {_S.PLAIN}, _QUIET | {_S.PLAIN}),
    Move.WIDEN: (frozenset({_S.STEADY}), frozenset({_S.PLAIN})),
    Move.REMOVE_COLOUR: (_ALL - {_S.WATCHING}, _OUTSIDE | {_S.STEADY}),
    Move.REMOVE_PREVIEW: (_OUTSIDE, _OUTSIDE),
}
"""From which states a move may be made, and where it may lead."""


def state_of(facts: Facts) -> State:
    """Derive the state."""
    if not facts.service:
        return State.ABSENT
    if facts.live is None:
        return State.PLAIN
    if facts.record and facts.record.standing is Standing.WATCHING:
        return State.WATCHING
    if not facts.idle.wanted:
        return State.STEADY
    if facts.unfinished:
        previewed = facts.unfinished.phase is Phase.PREVIEWED
        return State.PREVIEWED if previewed else State.PREPARING
    return State.STANDBY if facts.previous else State.SPENT


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
        return Move.AWAIT
    held = side.release
    same = held and held.digest == plain.content and held.phase is not Phase.REJECTED
    if not same or side.wanted < plain.wanted:
        return Move.CLONE
    return Move.ADOPT if side.rolled_out and side.ready >= plain.ready else Move.AWAIT


def _remove_plain(facts: Facts) -> Move:
    if not facts.plain.exists:
        return Move.DONE
    return Move.AWAIT if facts.plain.routed or just_selected(facts) else Move.REMOVE_PLAIN


def _preview(facts: Facts, aim: Aim) -> Move:
    want, idle, running = aim.release, facts.idle, facts.running
    if want is None or state_of(facts) is State.WATCHING:
        return Move.DONE
    if facts.live and running and running.digest == want.digest and not _failed(facts):
        unwanted = idle.wanted and not facts.previous
        return _retire(facts) if unwanted else _size(facts, want)
    held = facts.unfinished
    if held is None or held.digest != want.digest or not idle.wanted:
        return _retire(facts) if idle.wanted else Move.PREPARE
    if facts.preview is not facts.target:
        return Move.POINT_PREVIEW
    if idle.wanted < needed(facts):
        return Move.SCALE
    if not idle.rolled_out or min(idle.ready, idle.previewed) < needed(facts):
        return Move.AWAIT
    if held.phase is Phase.PREPARING or expired(facts, FRESH_SECONDS):
        return Move.JUDGE
    return Move.DONE


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
    held = facts.active.release
    if want is None or held is None or want.replicas in (None, held.replicas):
        return Move.DONE
    return Move.SIZE


def _undo(facts: Facts, _: Aim) -> Move:
    state, record = state_of(facts), facts.record
    if state is State.WATCHING:
        if record is None or facts.previous is None or record.release.barrier:
            return Move.SETTLE
        return _back(facts)
    if state is State.SPENT or (facts.unfinished and facts.idle.wanted):
        return _retire(facts)
    return _point(facts)


def _rollback(facts: Facts, _: Aim) -> Move:
    if facts.record and facts.record.standing is Standing.ROLLED_BACK:
        return _retire(facts) if state_of(facts) is State.SPENT else _point(facts)
    return _back(facts) if facts.previous else Move.DONE


def _back(facts: Facts) -> Move:
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
    Goal.ROLLBACK: _rollback,
    Goal.ABORT: _abort,
    Goal.TIDY: _tidy,
    Goal.EXIT: _exit,
}
