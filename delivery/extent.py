"""How far a rollback goes: all that the last release changed, and nothing else. Pure.

The records say which delivery a service was changed by, by the digest of its plan. Services that an
earlier delivery changed, or that this one never got to its users, stay as they are, and that is told.
Without any record everything that is named goes back.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from delivery.history import FAILED, LIVE, ROLLED_BACK, Entry

MOVES = frozenset({"deploy", "promote", "rollback"})
VERDICTS = frozenset({LIVE, ROLLED_BACK, FAILED})


@dataclass(frozen=True)
class Extent:
    """Who goes back, and why the others stay."""

    back: tuple[str, ...]
    stay: Mapping[str, str] = field(default_factory=dict)


def extent(
    histories: Mapping[str, Sequence[Entry]], forward: Collection[str] = frozenset()
) -> Extent:
    """Find the last release in the histories of the named services, each with its newest entry first.

    `forward` names those that are known to be with the new release although their record says that it
    failed. When the last release went back already, its services are named: their guards say so.
    """
    moved: dict[str, Entry] = {}
    for name, entries in histories.items():
        counted = (one for one in entries if one.action in MOVES and one.verdict in VERDICTS)
        newest = next(counted, None)
        if newest is not None:
            moved[name] = newest
    if not moved:
        return Extent(tuple(histories))
    last = max(moved.values(), key=lambda one: one.ended)
    changed = [name for name, one in moved.items() if one.plan == last.plan]
    ahead = [name for name in changed if moved[name].verdict == LIVE or name in forward]
    back = tuple(ahead or changed)
    return Extent(
        back, {name: _why(moved.get(name), last) for name in histories if name not in back}
    )


def _why(newest: Entry | None, last: Entry) -> str:
    if newest is None:
        return "it stays as it is: no delivery of it is on record"
    if newest.plan == last.plan:
        return f"it stays as it is: {newest.version} did not reach its users ({newest.verdict})"
    return (
        f"it stays at {newest.version} of {newest.ended}: the last release, at {last.ended}, did not"
        " change it; name it alone to take it back"
    )
