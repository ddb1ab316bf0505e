"""The state machine of blue-green: states, moves, and from where to where a move may lead. Pure.

The state is derived from what the objects say (`Facts`), never stored. The tables are those of
`docs/delivery.md`; moves that do not stand in TRANSITIONS cannot be made. Which move leads to a goal is
told by `decision`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from delivery.bluegreen.facts import Facts
from delivery.bluegreen.record import Phase, Release, Standing


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
    CREATE = "create"
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
    WARM = "warm"
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
    Move.CREATE: (_OUTSIDE | {_S.STEADY}, _OUTSIDE | {_S.STEADY}),
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
