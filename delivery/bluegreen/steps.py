"""The moves that write: each is one conditional write, and harmless when it was made already.

Every write hangs on the `resourceVersion` of the look that it was decided by, or on the object's absence.
"""

from collections.abc import Callable
from dataclasses import replace
from uuid import uuid4

from delivery.bluegreen import selection
from delivery.bluegreen.application import Application
from delivery.bluegreen.colours import (
    PREVIEW,
    RELEASE,
    RUN,
    Colour,
    painted,
    preview_of,
    side_name,
    stripped,
    without_colour,
)
from delivery.bluegreen.facts import Side, adoptable, needed
from delivery.bluegreen.observation import PLAIN, Key, Seen
from delivery.bluegreen.record import Phase, Release, written
from delivery.bluegreen.states import Aim, Goal, Move
from delivery.bluegreen.writer import SWITCHER, Writer, delete, instead, patch, put
from delivery.cluster import APPLY, Obj
from delivery.errors import PreflightError
from delivery.ownership import MANAGER


def perform(writer: Writer, move: Move, seen: Seen, aim: Aim, told: str = "") -> None:
    """Make a move; raise ApiError, also when somebody wrote in the meantime. `told` is why it is made."""
    _STEPS[move](writer, seen, aim, told)


def prepared(seen: Seen, app: Application, release: Release, run: str) -> Obj:
    """Make the idle colour's Deployment for a release."""
    if app.deployment is None:
        raise PreflightError(
            f"{app.name}: what waited on {seen.facts.target} is not there any more, users stay where they"
            " are. Somebody scaled it down or changed it meanwhile: deploy it again"
        )
    facts = seen.facts
    replicas, wanted = max(1, facts.active.wanted), release.replicas
    if facts.live is None:
        replicas = wanted if wanted is not None else replicas
    elif wanted is not None and facts.active.release and wanted != facts.active.release.replicas:
        # More comes with the release; fewer only after it, or the switch would take capacity away.
        release = replace(release, replicas=max(wanted, facts.active.release.replicas or wanted))
        replicas = max(replicas, wanted)
    made = painted(app.deployment, app.name, facts.target, replicas)
    found = seen.deployments.get(facts.target) if facts.idle.fits else None
    return _kept(found, _noted(made, release, run))


def _claim(writer: Writer, seen: Seen, _aim: Aim, _told: str) -> None:
    name = {"annotations": {RUN: writer.run}}
    if seen.service is not None and not seen.facts.ours:
        patch(writer, writer.services(writer.app.name), seen.service, {"metadata": name})
        return
    sides = list[tuple[Key, Side]]([(PLAIN, seen.facts.plain), *seen.facts.sides.items()])
    key = next(key for key, side in sides if not side.ours)
    found = seen.deployments[key]
    patch(writer, writer.deployments(found["metadata"]["name"]), found, {"metadata": name})


def _create(writer: Writer, seen: Seen, aim: Aim, _told: str) -> None:
    """Make a colour's Deployment without pods.

    Nothing but its absence can be a condition of this write. So it does no harm where it comes too late, and
    what brings up pods is a write to an object that is there, behind the fence.
    """
    if aim.goal is Goal.ADOPT:
        made, release = _cloned(writer, seen)
    else:
        release = _attempt(writer, aim.release, writer.app.selector)
        made = prepared(seen, writer.app, release, writer.run)
    made["spec"]["replicas"] = 0
    put(writer, _noted(made, replace(release, phase=Phase.REJECTED), writer.run))


def _clone(writer: Writer, seen: Seen, _aim: Aim, _told: str) -> None:
    made, release = _cloned(writer, seen)
    put(writer, _kept(seen.deployments.get(Colour.BLUE), _noted(made, release, writer.run)))


def _cloned(writer: Writer, seen: Seen) -> tuple[Obj, Release]:
    """Make the first colour of the plain Deployment: the same version."""
    plain = seen.facts.plain
    selector = without_colour((seen.service or {"spec": {}})["spec"].get("selector") or {})
    release = _attempt(writer, plain.release, selector)
    release = replace(release, digest=plain.content, replicas=plain.wanted)
    return painted(seen.deployments[PLAIN], writer.app.name, Colour.BLUE, plain.wanted), release


def _remove_plain(writer: Writer, seen: Seen, _aim: Aim, _told: str) -> None:
    delete(writer, writer.deployments(writer.app.name), seen.deployments[PLAIN])


def _prepare(writer: Writer, seen: Seen, aim: Aim, _told: str) -> None:
    release = _attempt(writer, aim.release, writer.app.selector)
    put(writer, prepared(seen, writer.app, release, writer.run))


def _point_preview(writer: Writer, seen: Seen, _aim: Aim, _told: str) -> None:
    service = writer.app.service or seen.service
    if service is None:
        raise RuntimeError(f"{writer.app.name}: no Service to preview")
    made = preview_of(service, writer.app.name, seen.facts.target)
    name = {"annotations": {RUN: writer.run}}
    if seen.preview is None:
        made["metadata"] |= name
        writer.cluster.request("POST", f"{writer.services()}?fieldManager={SWITCHER}", made)
        return
    before = seen.preview["spec"].get("selector") or {}
    spec = {"ports": made["spec"]["ports"], "selector": instead(before, made["spec"]["selector"])}
    path = writer.services(writer.app.name + PREVIEW)
    patch(writer, path, seen.preview, {"metadata": name, "spec": spec})


def _scale(writer: Writer, seen: Seen, _aim: Aim, _told: str) -> None:
    _idle(writer, seen, replicas=needed(seen.facts))


def _pass(writer: Writer, seen: Seen, _aim: Aim, told: str) -> None:
    held = seen.facts.idle.release
    if held is None:
        raise RuntimeError(f"{writer.app.name}: nothing passed")
    release = replace(held, phase=Phase.PREVIEWED, since=writer.now, told=told)
    release = replace(release, content=seen.facts.idle.content)
    _idle(writer, seen, release=release)


def _retire(writer: Writer, seen: Seen, _aim: Aim, told: str) -> None:
    held = seen.facts.idle.release
    if held is not None and not seen.facts.previous:
        held = replace(held, phase=Phase.REJECTED, since=writer.now, told=told or held.told)
    _idle(writer, seen, replicas=0, release=held)


def _size(writer: Writer, seen: Seen, aim: Aim, _told: str) -> None:
    facts, want = seen.facts, aim.release
    if facts.live is None or facts.active.release is None or want is None:
        raise RuntimeError(f"{writer.app.name}: nothing to size")
    release = replace(facts.active.release, replicas=want.replicas)
    body: Obj = {"metadata": {"annotations": {RELEASE: written(release)}}}
    body["spec"] = {"replicas": want.replicas}
    path = writer.deployments(side_name(writer.app.name, facts.live))
    patch(writer, path, seen.deployments[facts.live], body)


def _restore(writer: Writer, seen: Seen, _aim: Aim, _told: str) -> None:
    facts = seen.facts
    colour = facts.live or adoptable(facts)
    colour = colour if colour and colour in facts.sides else next(iter(facts.sides))
    release = facts.running if facts.live else facts.side(colour).release
    if release is None:
        raise RuntimeError(f"{writer.app.name}: nothing to restore")
    replicas = max(1, facts.side(colour).wanted)
    made = _noted(
        stripped(seen.deployments[colour], writer.app.name, replicas), release, writer.run
    )
    if PLAIN not in seen.deployments:
        # As with a colour's: without pods, for nothing but its absence can be the condition.
        made["spec"]["replicas"] = 0
        put(writer, made)
        return
    # An apply makes what is not there, whatever its version; the uid is what forbids that.
    found = seen.deployments[PLAIN]["metadata"]
    made["metadata"] |= {key: found[key] for key in ("uid", "resourceVersion")}
    path = f"{writer.deployments(writer.app.name)}?fieldManager={MANAGER}&force=true"
    writer.cluster.request("PATCH", path, made, APPLY)


def _remove_colour(writer: Writer, seen: Seen, _aim: Aim, _told: str) -> None:
    facts = seen.facts
    colour = facts.target if facts.live else next(c for c in Colour if facts.side(c).exists)
    path = writer.deployments(side_name(writer.app.name, colour))
    delete(writer, path, seen.deployments[colour])


def _remove_preview(writer: Writer, seen: Seen, _aim: Aim, _told: str) -> None:
    delete(writer, writer.services(writer.app.name + PREVIEW), seen.preview)


def _attempt(writer: Writer, release: Release | None, selector: dict[str, str]) -> Release:
    """Begin an attempt: a new id, from now on."""
    if release is None:
        raise RuntimeError(f"{writer.app.name}: no release")
    return replace(
        release, id=uuid4().hex[:12], phase=Phase.PREPARING, since=writer.now, selector=selector
    )


def _noted(made: Obj, release: Release, run: str) -> Obj:
    metadata = made["metadata"]
    notes = metadata.get("annotations") or {}
    metadata["annotations"] = {**notes, RELEASE: written(release), RUN: run}
    return made


def _kept(found: Obj | None, made: Obj) -> Obj:
    """Keep what others noted on the object that is replaced."""
    if found is not None:
        before, metadata = found["metadata"], made["metadata"]
        metadata["resourceVersion"] = before["resourceVersion"]
        for key in ("labels", "annotations"):
            metadata[key] = {**(before.get(key) or {}), **(metadata.get(key) or {})}
    return made


def _idle(
    writer: Writer, seen: Seen, *, replicas: int | None = None, release: Release | None = None
) -> None:
    target, body = seen.facts.target, dict[str, Obj]()
    if replicas is not None:
        body["spec"] = {"replicas": replicas}
    if release is not None:
        body["metadata"] = {"annotations": {RELEASE: written(release)}}
    path = writer.deployments(side_name(writer.app.name, target))
    patch(writer, path, seen.deployments[target], body)


_STEPS: dict[Move, Callable[[Writer, Seen, Aim, str], None]] = {
    Move.CLAIM: _claim,
    Move.CREATE: _create,
    Move.CLONE: _clone,
    Move.ADOPT: selection.adopt,
    Move.REMOVE_PLAIN: _remove_plain,
    Move.PREPARE: _prepare,
    Move.POINT_PREVIEW: _point_preview,
    Move.SCALE: _scale,
    Move.PASS: _pass,
    Move.SWITCH: selection.switch,
    Move.SETTLE: selection.settle,
    Move.BACK: selection.back,
    Move.RETIRE: _retire,
    Move.SIZE: _size,
    Move.RESTORE: _restore,
    Move.WIDEN: selection.widen,
    Move.REMOVE_COLOUR: _remove_colour,
    Move.REMOVE_PREVIEW: _remove_preview,
}
