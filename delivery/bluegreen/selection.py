"""The writes on the active Service: whom users reach, and how that release stands.

Each is one conditional write of `steps`. The selector and the record change together or not at all.
"""

from dataclasses import replace
from datetime import timedelta

from delivery.bluegreen.application import Application
from delivery.bluegreen.colours import LABEL, LIVE, RUN, Colour
from delivery.bluegreen.facts import adoptable
from delivery.bluegreen.observation import Seen
from delivery.bluegreen.record import Live, Phase, Standing, written
from delivery.bluegreen.states import Aim, Goal
from delivery.bluegreen.writer import Writer, instead, patch
from delivery.clock import write_time
from delivery.cluster import APPLY, Obj
from delivery.ownership import MANAGER


def refreshed(seen: Seen, app: Application) -> Obj | None:
    """Make what the manifests want of the active Service, its colour and its record as they are."""
    if seen.service is None or app.service is None:
        return None
    metadata, notes = seen.service["metadata"], seen.service["metadata"].get("annotations") or {}
    wanted = app.service["metadata"]
    kept = {key: notes[key] for key in (LIVE, RUN) if key in notes}
    return {
        **app.service,
        "metadata": {
            **wanted,
            "resourceVersion": metadata["resourceVersion"],
            "annotations": {**(wanted.get("annotations") or {}), **kept},
        },
        "spec": {
            **app.service["spec"],
            "selector": dict(seen.service["spec"].get("selector") or {}),
        },
    }


def adopt(writer: Writer, seen: Seen, _aim: Aim, _told: str) -> None:
    """Narrow a plain selector to the colour that holds the same version."""
    colour = adoptable(seen.facts)
    held = seen.facts.side(colour).release if colour else None
    if colour is None or held is None:
        raise RuntimeError(f"{writer.app.name}: nothing to adopt")
    live = Live(Standing.SETTLED, replace(held, phase=Phase.PREVIEWED), writer.now)
    _select(writer, seen, colour, live)


def switch(writer: Writer, seen: Seen, aim: Aim, _told: str) -> None:
    """Send users to the idle colour and begin its watch; note who is switched together with it."""
    facts, release = seen.facts, seen.facts.idle.release
    if release is None:
        raise RuntimeError(f"{writer.app.name}: nothing to switch to")
    if aim.release is not None:
        release = replace(release, members=aim.release.members)
    live = Live(Standing.WATCHING, release, writer.now, previous=facts.running)
    _select(writer, seen, facts.target, live)


def settle(writer: Writer, seen: Seen, aim: Aim, told: str) -> None:
    """End the watch: the release stays, and the one before is kept for a while."""
    facts = seen.facts
    if facts.record is None:
        raise RuntimeError(f"{writer.app.name}: nothing to settle")
    until = facts.now + timedelta(seconds=writer.app.options.standby_seconds)
    standing = Standing.FAILED if aim.goal is Goal.UNDO else Standing.SETTLED
    live = replace(
        facts.record,
        standing=standing,
        since=writer.now,
        standby_until=write_time(until),
        told=told,
    )
    _note_live(writer, seen, live)


def back(writer: Writer, seen: Seen, aim: Aim, told: str) -> None:
    """Send users back to the release before."""
    facts = seen.facts
    if facts.previous is None or facts.running is None:
        raise RuntimeError(f"{writer.app.name}: nothing to go back to")
    standing = Standing.ROLLED_BACK if aim.goal is Goal.ROLLBACK else Standing.REVERTED
    live = Live(standing, facts.previous, writer.now, left=facts.running.id, told=told)
    _select(writer, seen, facts.target, live)


def widen(writer: Writer, seen: Seen, _aim: Aim, _told: str) -> None:
    """Take the colour out of the selector, for the plain Deployment serves."""
    body = {"metadata": {"annotations": {LIVE: None}}, "spec": {"selector": {LABEL: None}}}
    patch(writer, writer.services(writer.app.name), seen.service, body)


def _select(writer: Writer, seen: Seen, colour: Colour, live: Live) -> None:
    """Send users to a colour. The one write that they notice."""
    selector = {**live.release.selector, LABEL: str(colour)}
    notes = {LIVE: written(live), RUN: writer.run}
    path = writer.services(writer.app.name)
    if seen.service is not None:
        before = seen.service["spec"].get("selector") or {}
        spec = {"selector": instead(before, selector)}
        patch(writer, path, seen.service, {"metadata": {"annotations": notes}, "spec": spec})
        return
    if writer.app.service is None:
        raise RuntimeError(f"{writer.app.name}: no Service to make")
    wanted = writer.app.service
    made = {
        **wanted,
        "metadata": {
            **wanted["metadata"],
            "annotations": {**(wanted["metadata"].get("annotations") or {}), **notes},
        },
        "spec": {**wanted["spec"], "selector": selector},
    }
    # Not forced: where somebody was faster and switched since, this is a conflict.
    writer.cluster.request("PATCH", f"{path}?fieldManager={MANAGER}", made, APPLY)


def _note_live(writer: Writer, seen: Seen, live: Live) -> None:
    body = {"metadata": {"annotations": {LIVE: written(live)}}}
    patch(writer, writer.services(writer.app.name), seen.service, body)
