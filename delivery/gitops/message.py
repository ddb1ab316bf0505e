"""The message of a delivery's commit: a sentence for people, and trailers that the next run reads.

Every trailer is one line, and what has parts is JSON, so no name, version or reason can add a trailer of its
own. Only the last paragraph is read. What is no message of ours, or was spoiled, counts as somebody else's.
"""

import json
from dataclasses import asdict, dataclass
from enum import StrEnum

from delivery.gitops.pins import read_pin

PREFIX = "Shipyard-"
SKIP = (
    "[skip ci] A pipeline made what this commit holds; another run of it would make something else."
)
"""Hosts read the first two words. Where services and overlays share a branch, each release would cause the next."""
SUBJECT = 72
LONGEST = 500


class Step(StrEnum):
    """What a commit does: bring a release, take it back by itself, or go back because somebody asked."""

    DEPLOY = "deploy"
    REVERT = "revert"
    ROLLBACK = "rollback"


_SENTENCES = {
    Step.DEPLOY: "Deliver {what} to {where}",
    Step.REVERT: "Take back to {what} in {where}",
    Step.ROLLBACK: "Roll back to {what} in {where}",
}


@dataclass(frozen=True)
class Place:
    """What a service runs: its image's reference, and the version and revision that it is made of."""

    image: str
    version: str = ""
    revision: str = ""


@dataclass(frozen=True)
class Move:
    """One service that goes from one place to another; `before` is None when it never worked before."""

    name: str
    to: Place
    before: Place | None = None
    barrier: str = ""


@dataclass(frozen=True)
class Record:
    """What a delivery says in its commit. `plan` is the digest of the plan."""

    step: Step
    environment: str
    moves: tuple[Move, ...]
    plan: str = ""
    who: str = ""
    approved_by: str = ""

    def of(self, name: str) -> Move | None:
        """Find what it says of a service."""
        return next((move for move in self.moves if move.name == name), None)


def write_message(record: Record, reason: str) -> str:
    """Write the whole message."""
    by = f"By {one_line(record.who)}" if record.who else "By somebody"
    trailers = [
        ("Action", str(record.step)),
        ("Environment", one_line(record.environment)),
        *(("Service", _written(move)) for move in record.moves),
        ("Plan", record.plan),
        ("By", one_line(record.who)),
        ("Approved-By", one_line(record.approved_by)),
    ]
    lines = [f"{PREFIX}{key}: {value}" for key, value in trailers if value]
    because = f": {one_line(reason)}" if reason.strip() else ""
    return "\n".join([_subject(record), "", by + because, "", SKIP, "", *lines, ""])


def read_message(text: str) -> Record | None:
    """Read the trailers; None when it is no message of a delivery."""
    paragraph = text.strip("\n").rpartition("\n\n")[2]
    found: dict[str, list[str]] = {}
    for line in paragraph.split("\n"):
        key, colon, value = line.partition(": ")
        if colon and key.startswith(PREFIX):
            found.setdefault(key.removeprefix(PREFIX), []).append(value)
    one = {key: values[-1] for key, values in found.items()}
    try:
        return Record(
            step=Step(one["Action"]),
            environment=one["Environment"],
            moves=tuple(_move(json.loads(each)) for each in found["Service"]),
            plan=one.get("Plan", ""),
            who=one.get("By", ""),
            approved_by=one.get("Approved-By", ""),
        )
    except (KeyError, ValueError, TypeError):
        return None


def one_line(text: str, longest: int = LONGEST) -> str:
    """Make one printable line of any text."""
    return "".join(each if each.isprintable() else " " for each in " ".join(text.split()))[:longest]


def _subject(record: Record) -> str:
    what = ", ".join(f"{move.name} {move.to.version}".strip() for move in record.moves)
    told = _SENTENCES[record.step].format(what=what, where=record.environment)
    if len(told) > SUBJECT and len(record.moves) > 1:
        what = f"{len(record.moves)} services"
        told = _SENTENCES[record.step].format(what=what, where=record.environment)
    return one_line(told, SUBJECT)


def _written(move: Move) -> str:
    values = {
        "name": move.name,
        **asdict(move.to),
        "before": asdict(move.before) if move.before else None,
        "barrier": move.barrier,
    }
    return json.dumps(values, sort_keys=True)


def _move(values: dict[str, object]) -> Move:
    before = values.get("before")
    if before is not None and not isinstance(before, dict):
        raise ValueError("before is no mapping")
    return Move(
        name=_text(values, "name"),
        to=_place(values),
        before=None if before is None else _place(before),
        barrier=_text(values, "barrier"),
    )


def _place(values: dict[str, object]) -> Place:
    image = _text(values, "image")
    read_pin(image)
    return Place(image, _text(values, "version"), _text(values, "revision"))


def _text(values: dict[str, object], key: str) -> str:
    value = values[key]
    if not isinstance(value, str):
        raise TypeError(f"{key} is no text")
    return value
