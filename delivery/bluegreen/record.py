"""What the objects of an application remember, as JSON in annotations. Pure.

A colour's Deployment remembers which release it holds and how far that is (`Release`). The active
Service remembers how the release that is live got there, and what came before it (`Live`).
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from typing import Any, TypeVar

from delivery.bluegreen.colours import LIVE, RELEASE
from delivery.cluster import Obj
from delivery.errors import PreflightError

T = TypeVar("T")


class Phase(StrEnum):
    """How far the release is that a colour holds."""

    PREPARING = "preparing"
    PREVIEWED = "previewed"
    REJECTED = "rejected"


class Standing(StrEnum):
    """How the live release stands."""

    WATCHING = "watching"
    SETTLED = "settled"
    FAILED = "failed"
    """It failed its watch and there was no way back."""
    REVERTED = "reverted"
    """It is live again: the release after it failed its watch."""
    ROLLED_BACK = "rolled-back"
    """It is live again: somebody asked for it."""


@dataclass(frozen=True)
class Release:
    """A release on one colour.

    `id` is new with every attempt; `digest` is that of the content, the same for the same content.
    `selector` are the labels, without the colour, by which the active Service finds its pods. `replicas`
    is the manifest's number, None when it names none. `barrier` says why there is no way back from it.
    `members` are its release set, and once it is live those that were switched together with it. `since`
    is when the phase began. `content` is a digest of the pods as the API server kept them when the gates of the
    preview let them through.
    """

    id: str
    digest: str
    version: str
    revision: str
    image: str
    phase: Phase
    since: str
    selector: Mapping[str, str]
    replicas: int | None = None
    barrier: str = ""
    members: tuple[str, ...] = ()
    who: str = ""
    plan: str = ""
    told: str = ""
    content: str = ""


@dataclass(frozen=True)
class Live:
    """The live release, the one before it, and the id of the one that was left by going back."""

    standing: Standing
    release: Release
    since: str
    previous: Release | None = None
    left: str = ""
    standby_until: str = ""
    told: str = field(default="")


def release_on(deployment: Obj) -> Release | None:
    """Read what a Deployment holds; raise PreflightError when somebody wrote something else there."""
    return _read(deployment, RELEASE, _release)


def live_on(service: Obj | None) -> Live | None:
    """Read what the active Service remembers; raise PreflightError as above."""
    return None if service is None else _read(service, LIVE, _live)


def written(record: Release | Live) -> str:
    """Write a record for its annotation."""
    return json.dumps(asdict(record), sort_keys=True, separators=(",", ":"))


def _read(obj: Obj, key: str, read: Callable[[dict[str, Any]], T]) -> T | None:
    text = (obj["metadata"].get("annotations") or {}).get(key)
    if not text:
        return None
    try:
        return read(json.loads(text))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _unreadable(obj, key, str(error)) from error


def _release(values: dict[str, Any]) -> Release:
    known = {each.name for each in fields(Release)}
    given = {key: value for key, value in values.items() if key in known}
    given["phase"] = Phase(given["phase"])
    given["members"] = tuple(given.get("members") or ())
    given["selector"] = dict(given["selector"])
    return Release(**given)


def _live(values: dict[str, Any]) -> Live:
    previous = values.get("previous")
    return Live(
        standing=Standing(values["standing"]),
        release=_release(values["release"]),
        since=values["since"],
        previous=_release(previous) if previous else None,
        left=values.get("left", ""),
        standby_until=values.get("standby_until", ""),
        told=values.get("told", ""),
    )


def _unreadable(obj: Obj, key: str, detail: str) -> PreflightError:
    metadata = obj["metadata"]
    kind, name = obj.get("kind", "object").lower(), metadata["name"]
    command = f"kubectl -n {metadata.get('namespace', '')} annotate {kind}/{name} {key}-"
    return PreflightError(
        f"the annotation {key} of {kind} {name} cannot be read: {detail}. Nothing was changed."
        f" Somebody edited it; take it away, then the next run starts from what it sees: {command}"
    )
