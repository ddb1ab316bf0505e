"""Deployments: one ReplicaSet per template, sized so that the update never hurts.

Invariant: a sync takes at most one step (scale up, or scale down) and then writes the status; the
next change of a ReplicaSet brings the next step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from drydock.cluster.client import ApiError, Client
from drydock.cluster.controllers.controller import Controller
from drydock.cluster.controllers.deployment import status as progress
from drydock.cluster.controllers.deployment.revision import (
    DESIRED,
    REVISION,
    annotated,
    ceiling_of,
    current_of,
    oldest_first,
    replica_set_for,
    revision_of,
    sized,
)
from drydock.cluster.controllers.deployment.rollout import (
    Bounds,
    Size,
    new_size,
    old_sizes,
    shares,
)
from drydock.cluster.controllers.informer import Cache
from drydock.cluster.controllers.meta import (
    Key,
    annotations_of,
    condition_of,
    controller_of,
    is_controlled_by,
    is_deleting,
    key_of,
    kind_of,
    uid_of,
)
from drydock.cluster.controllers.ownership import claim
from drydock.cluster.controllers.pods import has_ended
from drydock.cluster.controllers.template import same_template
from drydock.cluster.errors import Obj

AFTER_DEADLINE = 1.0


class DeploymentController(Controller):
    """Keeps the ReplicaSets of every Deployment as its strategy wants them."""

    name: ClassVar[str] = "deployment-controller"
    kind: ClassVar[str] = "apps/v1/Deployment"

    def __init__(self, client: Client, cache: Cache) -> None:
        super().__init__(client, cache)
        self.sets = self.secondary("apps/v1/ReplicaSet")
        self.pods = cache["v1/Pod"]
        self.pods.on_change(self._pod_changed)

    async def sync(self, key: Key) -> None:
        """Take one step for one Deployment."""
        deployment = self.primary.get(key)
        if deployment is None:
            return
        sets = await claim(self, deployment, self.sets)
        if is_deleting(deployment):
            await self._write_status(deployment, sets, current_of(deployment, sets))
            return
        deployment = await self._tell_pause(deployment)
        if deployment["spec"].get("paused") or self._was_scaled(deployment, sets):
            await self._scale_only(deployment, sets)
            return
        if (deployment["spec"].get("strategy") or {}).get("type") == "Recreate":
            await self._recreate(deployment, sets)
        else:
            await self._roll(deployment, sets)

    async def _roll(self, deployment: Obj, sets: list[Obj]) -> None:
        deployment, new = await self._current(deployment, sets)
        olds = [one for one in sets if uid_of(one) != uid_of(new)]
        bounds = Bounds.of(deployment)
        total = sum(_replicas(one) for one in [*olds, new])
        size = new_size(bounds, _replicas(new), total)
        if size != _replicas(new):
            new = await self._scale(deployment, new, size)
            await self._finish(deployment, [*olds, new], new)
            return
        active = [one for one in oldest_first(olds) if _replicas(one)]
        # A status from before the last change of size may count pods that are gone already. Its
        # successor wakes this Deployment again, and the floor holds meanwhile.
        is_known = all(_knows_its_size(one) for one in [*active, new])
        steps = old_sizes(bounds, _size(new), [_size(one) for one in active]) if is_known else {}
        if steps:
            olds = [
                (
                    await self._scale(deployment, one, steps[one["metadata"]["name"]])
                    if one["metadata"]["name"] in steps
                    else one
                )
                for one in olds
            ]
        elif progress.is_complete(deployment, deployment.get("status") or {}):
            await self._forget_history(deployment, olds)
        await self._finish(deployment, [*olds, new], new)

    async def _recreate(self, deployment: Obj, sets: list[Obj]) -> None:
        found = current_of(deployment, sets)
        olds = [one for one in sets if found is None or uid_of(one) != uid_of(found)]
        if any(_replicas(one) for one in olds):
            olds = [
                await self._scale(deployment, one, 0) if _replicas(one) else one for one in olds
            ]
            await self._finish(deployment, [*olds, *([found] if found else [])], found)
            return
        if self._has_running(olds):
            await self._finish(deployment, sets, found)
            return
        deployment, new = await self._current(deployment, sets)
        wanted = Bounds.of(deployment).replicas
        if _replicas(new) != wanted:
            new = await self._scale(deployment, new, wanted)
        if progress.is_complete(deployment, deployment.get("status") or {}):
            await self._forget_history(deployment, olds)
        await self._finish(deployment, [*olds, new], new)

    async def _scale_only(self, deployment: Obj, sets: list[Obj]) -> None:
        """Follow a change of `replicas` without moving the rollout on."""
        new = current_of(deployment, sets)
        if new is not None:
            deployment, new = await self._current(deployment, sets)
            sets = [new if uid_of(one) == uid_of(new) else one for one in sets]
        sets = await self._share(deployment, sets, new)
        if new is not None:
            new = next(one for one in sets if uid_of(one) == uid_of(new))
        if deployment["spec"].get("paused"):
            olds = [one for one in sets if one is not new]
            await self._forget_history(deployment, olds)
        await self._write_status(deployment, sets, new)

    async def _share(self, deployment: Obj, sets: list[Obj], new: Obj | None) -> list[Obj]:
        bounds = Bounds.of(deployment)
        active = [one for one in sets if _replicas(one)]
        wanted: Mapping[str, int]
        if len(active) <= 1:
            latest = max(sets, key=revision_of, default=None)
            alone = active[0] if active else new or latest
            wanted = {alone["metadata"]["name"]: bounds.replicas} if alone else {}
        elif new is not None and self._is_saturated(bounds, new):
            wanted = {o["metadata"]["name"]: 0 for o in active if uid_of(o) != uid_of(new)}
        elif (deployment["spec"].get("strategy") or {}).get("type") != "Recreate":
            before = (deployment.get("status") or {}).get("replicas", 0)
            growing = bounds.ceiling > sum(_replicas(one) for one in active)
            oldest = oldest_first(active)
            order = sorted(reversed(oldest) if growing else oldest, key=lambda one: -_replicas(one))
            wanted = shares(bounds, [(_size(one), ceiling_of(one, before)) for one in order])
        else:
            wanted = {}
        return [
            (
                await self._scale(deployment, one, wanted[one["metadata"]["name"]])
                if one["metadata"]["name"] in wanted
                else one
            )
            for one in sets
        ]

    async def _current(self, deployment: Obj, sets: Sequence[Obj]) -> tuple[Obj, Obj]:
        """Return the Deployment and the ReplicaSet of its template, made when there is none."""
        found = current_of(deployment, sets)
        others = [one for one in sets if found is None or uid_of(one) != uid_of(found)]
        revision = max((revision_of(one) for one in others), default=0) + 1
        if found is None:
            return await self._make(deployment, sets, revision)
        notes = annotated(deployment, found, revision)
        wait = deployment["spec"].get("minReadySeconds", 0)
        if notes != annotations_of(found) or found["spec"].get("minReadySeconds", 0) != wait:
            changed = {
                **found,
                "metadata": {**found["metadata"], "annotations": notes},
                "spec": {**found["spec"], "minReadySeconds": wait},
            }
            found = await self.update(changed)
        text = f'Found new replica set "{found["metadata"]["name"]}"'
        condition = progress.progressing("True", "FoundNewReplicaSet", text)
        known = condition_of(deployment.get("status") or {}, "Progressing") is not None
        deployment = await self._tell(deployment, None if known else condition, found)
        return deployment, found

    async def _make(self, deployment: Obj, sets: Sequence[Obj], revision: int) -> tuple[Obj, Obj]:
        wanted = replica_set_for(deployment, revision)
        bounds = Bounds.of(deployment)
        size = bounds.replicas
        if (deployment["spec"].get("strategy") or {}).get("type") != "Recreate":
            size = new_size(bounds, 0, sum(_replicas(one) for one in sets))
        wanted["spec"]["replicas"] = size
        wanted["metadata"]["annotations"] = sized(wanted["metadata"]["annotations"], bounds)
        name = wanted["metadata"]["name"]
        try:
            made = await self.create(wanted)
        except ApiError as error:
            if error.code == 409:
                return deployment, await self._existing(deployment, wanted)
            text = f'Failed to create new replica set "{name}": {error}'
            condition = progress.progressing("False", "ReplicaSetCreateError", text)
            await self._tell(deployment, condition, None)
            raise
        if size > 0:
            text = f"Scaled up replica set {name} from 0 to {size}"
            await self.recorder.normal(deployment, "ScalingReplicaSet", text)
        text = f'Created new replica set "{name}"'
        condition = progress.progressing("True", "NewReplicaSetCreated", text)
        return await self._tell(deployment, condition, made), made

    async def _existing(self, deployment: Obj, wanted: Obj) -> Obj:
        """Take the ReplicaSet that has the name already, or count a collision and try again."""
        namespace, name = key_of(wanted)
        held = await self.client.get(kind_of(wanted), namespace, name)
        template = deployment["spec"]["template"]
        if is_controlled_by(held, deployment) and same_template(held["spec"]["template"], template):
            self.sets.observe(held)
            return held
        status = dict(deployment.get("status") or {})
        status["collisionCount"] = status.get("collisionCount", 0) + 1
        await self.update_status(deployment, status)
        raise ApiError(409, "AlreadyExists", f"{name} is the name of another ReplicaSet")

    async def _scale(self, deployment: Obj, one: Obj, size: int) -> Obj:
        before, bounds = _replicas(one), Bounds.of(deployment)
        notes = sized(dict(annotations_of(one)), bounds)
        if before == size and notes == annotations_of(one):
            return one
        changed = {
            **one,
            "metadata": {**one["metadata"], "annotations": notes},
            "spec": {**one["spec"], "replicas": size},
        }
        written = await self.update(changed)
        if size != before:
            verb = "up" if size > before else "down"
            name = one["metadata"]["name"]
            text = f"Scaled {verb} replica set {name} from {before} to {size}"
            await self.recorder.normal(deployment, "ScalingReplicaSet", text)
        return written

    async def _tell(self, deployment: Obj, condition: Obj | None, current: Obj | None) -> Obj:
        """Write a Progressing condition and the revision; the status carries both."""
        status = deployment.get("status") or {}
        changed = deployment
        if condition is not None and progress.has_deadline(deployment):
            conditions = progress.with_condition(status.get("conditions") or [], condition)
            changed = {**changed, "status": {**status, "conditions": conditions}}
        revision = annotations_of(current).get(REVISION) if current is not None else None
        if revision is not None and annotations_of(deployment).get(REVISION) != revision:
            notes = {**annotations_of(deployment), REVISION: revision}
            changed = {**changed, "metadata": {**changed["metadata"], "annotations": notes}}
        if changed == deployment:
            return deployment
        return await self.update(changed, subresource="status")

    async def _tell_pause(self, deployment: Obj) -> Obj:
        held = condition_of(deployment.get("status") or {}, "Progressing")
        if not progress.has_deadline(deployment):
            return deployment
        if held is not None and held["reason"] == progress.TIMED_OUT:
            return deployment
        paused = bool(deployment["spec"].get("paused"))
        told = held is not None and held["reason"] == "DeploymentPaused"
        if paused == told:
            return deployment
        word = "Paused" if paused else "Resumed"
        text = f"Deployment is {word.lower()}"
        condition = progress.progressing("Unknown", f"Deployment{word}", text)
        return await self._tell(deployment, condition, None)

    async def _write_status(self, deployment: Obj, sets: Sequence[Obj], new: Obj | None) -> None:
        await self.update_status(deployment, progress.counted(deployment, sets, new))

    async def _finish(self, deployment: Obj, sets: Sequence[Obj], new: Obj | None) -> None:
        counted = progress.counted(deployment, sets, new)
        status = progress.judged(deployment, counted, sets, new)
        await self.update_status(deployment, status)
        left = progress.seconds_left(deployment, status)
        if left is not None and left > 0 and not progress.is_complete(deployment, status):
            self.queue.add_after(key_of(deployment), left + AFTER_DEADLINE)

    async def _forget_history(self, deployment: Obj, olds: Sequence[Obj]) -> None:
        limit = deployment["spec"].get("revisionHistoryLimit")
        if limit is None:
            return
        kept = [one for one in olds if not is_deleting(one)]
        for one in sorted(kept, key=revision_of)[: max(0, len(kept) - limit)]:
            empty = not _replicas(one) and not (one.get("status") or {}).get("replicas")
            if empty and _knows_its_size(one):
                await self.delete(one)

    def _is_saturated(self, bounds: Bounds, new: Obj) -> bool:
        status = new.get("status") or {}
        return (
            _replicas(new) == bounds.replicas
            and annotations_of(new).get(DESIRED) == str(bounds.replicas)
            and status.get("availableReplicas", 0) == bounds.replicas
        )

    def _was_scaled(self, deployment: Obj, sets: Sequence[Obj]) -> bool:
        wanted = str(deployment["spec"].get("replicas", 1))
        desired = (annotations_of(one).get(DESIRED) for one in sets if _replicas(one))
        return any(text is not None and text != wanted for text in desired)

    def _has_running(self, olds: Sequence[Obj]) -> bool:
        """Tell whether pods of old ReplicaSets still run; terminating ones count."""
        if any((one.get("status") or {}).get("replicas") for one in olds):
            return True
        return any(not has_ended(pod) for one in olds for pod in self.pods.owned_by(uid_of(one)))

    def _pod_changed(self, old: Obj | None, new: Obj | None) -> None:
        """Wake a Deployment whose pod has gone: Recreate waits for the last of them."""
        if new is not None or old is None:
            return
        reference = controller_of(old)
        if reference is None or reference["kind"] != "ReplicaSet":
            return
        owner = self.sets.get((key_of(old)[0], reference["name"]))
        if owner is not None:
            self._owned_changed(None, owner)


def _replicas(one: Obj) -> int:
    return int(one["spec"].get("replicas", 1))


def _knows_its_size(one: Obj) -> bool:
    """Tell whether the status of a ReplicaSet was written after the last change of its spec."""
    seen = (one.get("status") or {}).get("observedGeneration", 0)
    return bool(seen >= one["metadata"].get("generation", 1))


def _size(one: Obj) -> Size:
    available = (one.get("status") or {}).get("availableReplicas", 0)
    return Size(one["metadata"]["name"], _replicas(one), available)
