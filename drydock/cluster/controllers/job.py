"""Jobs: pods that run to their end, so many at once, so many in all.

Every pod carries a finalizer until it is counted. Invariant: a pod that has ended is counted once,
also when it is deleted at once or the cluster is killed between two writes; conditions that end a Job
are written last, after the last pod has stopped.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import ClassVar

from drydock.cluster.client import ApiError, Client
from drydock.cluster.controllers.completion import (
    completed_indexes,
    index_of,
    missing_indexes,
    pod_for,
    render_indexes,
)
from drydock.cluster.controllers.controller import Controller
from drydock.cluster.controllers.informer import Cache
from drydock.cluster.controllers.meta import (
    Key,
    compact,
    condition_of,
    controller_of,
    is_deleting,
    key_of,
    moment_of,
    now,
    seconds_until,
    stamp,
    uid_of,
)
from drydock.cluster.controllers.ownership import claim
from drydock.cluster.controllers.pods import is_active, is_ready, phase_of
from drydock.cluster.controllers.replicaset import in_bursts
from drydock.cluster.errors import Obj

FINALIZER = "batch.kubernetes.io/job-tracking"
FIRST_BACK_OFF = 10.0
LONGEST_BACK_OFF = 600.0
BURST = 500


class JobController(Controller):
    """Runs the pods of every Job and counts them."""

    name: ClassVar[str] = "job-controller"
    kind: ClassVar[str] = "batch/v1/Job"

    def __init__(self, client: Client, cache: Cache) -> None:
        super().__init__(client, cache)
        self.pods = self.secondary("v1/Pod")

    async def sync(self, key: Key) -> None:
        """Count, create and delete pods of one Job; end it when it is over."""
        job = self.primary.get(key)
        if job is None:
            await self._let_go(key)
            return
        if is_deleting(job):
            await self._drop_finalizers(self.pods.owned_by(uid_of(job)))
            return
        if _finished(job) is not None:
            await self._drop_finalizers(self.pods.owned_by(uid_of(job)))
            await self._expire(job)
            return
        pods = await claim(self, job, self.pods)
        status = self._counted(job, pods)
        verdict = _verdict(job, status, pods)
        active = [pod for pod in pods if is_active(pod)]
        if verdict is not None:
            for pod in active:
                await self.delete(pod)
            running = [pod for pod in pods if phase_of(pod) not in ("Succeeded", "Failed")]
            await self._conclude(job, status, verdict, running)
            return
        if job["spec"].get("suspend"):
            await self._suspend(job, status, active)
            return
        if condition_of(status, "Suspended") is not None:
            status = await self._resume(job, status)
        status.setdefault("startTime", stamp())
        created = await self._scale(job, status, active)
        if created:
            active = [pod for pod in self.pods.owned_by(uid_of(job)) if is_active(pod)]
        await self._write(job, status, pods, active)
        self._wake_at_deadline(job, status)

    def _counted(self, job: Obj, pods: Sequence[Obj]) -> Obj:
        """Return the status with every pod counted that ended since; their uids stay noted."""
        held = job.get("status") or {}
        status: Obj = {**held, "conditions": list(held.get("conditions") or [])}
        pending = held.get("uncountedTerminatedPods") or {}
        noted = {*pending.get("succeeded", []), *pending.get("failed", [])}
        tracked = [pod for pod in pods if FINALIZER in (pod["metadata"].get("finalizers") or [])]
        fresh = [pod for pod in tracked if uid_of(pod) not in noted]
        good = [pod for pod in fresh if phase_of(pod) == "Succeeded"]
        bad = [
            pod
            for pod in fresh
            if phase_of(pod) == "Failed" or (is_deleting(pod) and phase_of(pod) != "Succeeded")
        ]
        if job["spec"].get("completionMode") == "Indexed":
            done = completed_indexes(held) | {index_of(pod) for pod in good}
            done = {one for one in done if one < (job["spec"].get("completions") or 0)}
            status["completedIndexes"] = render_indexes(done)
            status["succeeded"] = len(done)
        else:
            status["succeeded"] = held.get("succeeded", 0) + len(good)
        status["failed"] = held.get("failed", 0) + len(bad)
        present = {uid_of(pod) for pod in tracked}
        status["uncountedTerminatedPods"] = compact(
            {
                "succeeded": [u for u in pending.get("succeeded", []) if u in present]
                + [uid_of(pod) for pod in good],
                "failed": [u for u in pending.get("failed", []) if u in present]
                + [uid_of(pod) for pod in bad],
            }
        )
        return status

    async def _write(
        self, job: Obj, status: Obj, pods: Sequence[Obj], active: Sequence[Obj]
    ) -> Obj:
        """Write the counters, then release the pods that are in them, then forget their uids."""
        noted = status["uncountedTerminatedPods"]
        uids = {*noted.get("succeeded", []), *noted.get("failed", [])}
        going = [p for p in pods if is_deleting(p) and phase_of(p) not in ("Succeeded", "Failed")]
        job = await self.update_status(job, _shown(status, active, going))
        if uids:
            await self._drop_finalizers([pod for pod in pods if uid_of(pod) in uids])
            status["uncountedTerminatedPods"] = {}
            job = await self.update_status(job, _shown(status, active, going))
        return job

    async def _scale(self, job: Obj, status: Obj, active: Sequence[Obj]) -> bool:
        spec = job["spec"]
        parallel, completions = spec.get("parallelism", 1), spec.get("completions")
        succeeded = status.get("succeeded", 0)
        if completions is None:
            wanted = len(active) if succeeded else parallel
        else:
            wanted = min(parallel, completions - succeeded)
        excess = len(active) - wanted
        for pod in sorted(active, key=lambda one: one["metadata"].get("creationTimestamp", ""))[
            ::-1
        ][: max(0, excess)]:
            await self.delete(pod)
        if excess >= 0:
            return False
        wait = self._back_off(job)
        if wait > 0:
            self.queue.add_after(key_of(job), wait)
            return False
        indexes = iter(missing_indexes(job, status, active))
        error = await in_bursts(min(-excess, BURST), lambda: self._create(job, next(indexes, None)))
        if error is not None:
            raise error
        return True

    async def _create(self, job: Obj, index: int | None) -> None:
        try:
            made = await self.create(pod_for(job, index, finalizer=FINALIZER))
        except ApiError as error:
            await self.recorder.warning(job, "FailedCreate", f"Error creating: {error}")
            raise
        name = made["metadata"]["name"]
        await self.recorder.normal(job, "SuccessfulCreate", f"Created pod: {name}")

    def _back_off(self, job: Obj) -> float:
        """Return the seconds to wait after the failures in a row that ended last."""
        ends = sorted(
            (_ended_at(pod), phase_of(pod))
            for pod in self.pods.owned_by(uid_of(job))
            if phase_of(pod) in ("Succeeded", "Failed")
        )
        row = 0
        for _, phase in reversed(ends):
            if phase != "Failed":
                break
            row += 1
        if row == 0:
            return 0.0
        pause = min(FIRST_BACK_OFF * 2 ** (row - 1), LONGEST_BACK_OFF)
        return seconds_until(ends[-1][0] + timedelta(seconds=pause))

    async def _suspend(self, job: Obj, status: Obj, active: Sequence[Obj]) -> None:
        for pod in active:
            await self.delete(pod)
        held = condition_of(status, "Suspended")
        if held is None or held["status"] != "True":
            others = [c for c in status["conditions"] if c["type"] != "Suspended"]
            made = _condition("Suspended", "JobSuspended", "Job suspended")
            status["conditions"] = [*others, made]
            await self.recorder.normal(job, "Suspended", "Job suspended")
        status.pop("startTime", None)
        pods = self.pods.owned_by(uid_of(job))
        await self._write(job, status, pods, [])

    async def _resume(self, job: Obj, status: Obj) -> Obj:
        held = condition_of(status, "Suspended")
        if held is None or held["status"] != "True":
            return status
        made = {**_condition("Suspended", "JobResumed", "Job resumed"), "status": "False"}
        others = [c for c in status["conditions"] if c["type"] != "Suspended"]
        await self.recorder.normal(job, "Resumed", "Job resumed")
        return {**status, "conditions": [*others, made], "startTime": stamp()}

    async def _conclude(
        self, job: Obj, status: Obj, verdict: tuple[str, str, str], running: Sequence[Obj]
    ) -> None:
        """Note the verdict at once, and end the Job when its last pod has stopped."""
        kind, reason, message = verdict
        target = "SuccessCriteriaMet" if kind == "Complete" else "FailureTarget"
        if condition_of(status, target) is None:
            status["conditions"].append(_condition(target, reason, message))
        if not running:
            status["conditions"].append(_condition(kind, reason, message))
            if kind == "Complete":
                status["completionTime"] = stamp()
        pods = self.pods.owned_by(uid_of(job))
        written = await self._write(job, status, pods, [])
        if running:
            return
        if kind == "Complete":
            await self.recorder.normal(job, "Completed", "Job completed")
        else:
            await self.recorder.warning(job, reason, message)
        await self._expire(written)

    async def _expire(self, job: Obj) -> None:
        ttl, ended = job["spec"].get("ttlSecondsAfterFinished"), _finished(job)
        if ttl is None or ended is None:
            return
        left = seconds_until(ended + timedelta(seconds=ttl))
        if left > 0:
            self.queue.add_after(key_of(job), left + 0.05)
        else:
            await self.delete(job, policy="Foreground")

    async def _let_go(self, key: Key) -> None:
        """Release the pods of a Job that is gone."""
        left = [
            pod
            for pod in self.pods.in_namespace(key[0])
            if (owner := controller_of(pod)) is not None
            and owner["kind"] == "Job"
            and owner["name"] == key[1]
        ]
        await self._drop_finalizers(left)

    async def _drop_finalizers(self, pods: Sequence[Obj]) -> None:
        for pod in pods:
            held = pod["metadata"].get("finalizers") or []
            if FINALIZER not in held:
                continue
            namespace, name = key_of(pod)
            kept = [one for one in held if one != FINALIZER]
            change = {"metadata": {"uid": uid_of(pod), "finalizers": kept}}
            try:
                written = await self.client.patch("v1/Pod", namespace, name, change)
            except ApiError as error:
                if error.code not in (404, 409):
                    raise
                continue
            self.pods.observe(written)

    def _wake_at_deadline(self, job: Obj, status: Obj) -> None:
        limit = job["spec"].get("activeDeadlineSeconds")
        if limit is not None and status.get("startTime"):
            end = moment_of(status["startTime"]) + timedelta(seconds=limit)
            self.queue.add_after(key_of(job), max(0.05, seconds_until(end) + 0.05))


def _verdict(job: Obj, status: Obj, pods: Sequence[Obj]) -> tuple[str, str, str] | None:
    """Return condition, reason and message that end the Job, if it is to end."""
    for target, kind in (("FailureTarget", "Failed"), ("SuccessCriteriaMet", "Complete")):
        held = condition_of(status, target)
        if held is not None:
            return kind, held["reason"], held["message"]
    spec = job["spec"]
    restarts = 0
    if spec["template"]["spec"].get("restartPolicy") == "OnFailure":
        restarts = sum(_restarts(pod) for pod in pods if is_active(pod))
    if status.get("failed", 0) + restarts > spec.get("backoffLimit", 6):
        text = "Job has reached the specified backoff limit"
        return "Failed", "BackoffLimitExceeded", text
    limit, start = spec.get("activeDeadlineSeconds"), status.get("startTime")
    running = limit is not None and start and not spec.get("suspend")
    if running and now() >= moment_of(start) + timedelta(seconds=limit):
        return "Failed", "DeadlineExceeded", "Job was active longer than specified deadline"
    completions, succeeded = spec.get("completions"), status.get("succeeded", 0)
    if completions is None:
        over = succeeded > 0 and not any(is_active(pod) for pod in pods)
    else:
        over = succeeded >= completions
    if over:
        text = "Reached expected number of succeeded pods"
        return "Complete", "CompletionsReached", text
    return None


def _shown(status: Obj, active: Sequence[Obj], going: Sequence[Obj]) -> Obj:
    """Return the status as it is stored: zeros left out, but for those that are always told."""
    kept = {k: v for k, v in status.items() if k not in ("ready", "terminating", "active")}
    noted = kept.pop("uncountedTerminatedPods", {})
    return {
        **compact({**kept, "active": len(active)}),
        "ready": sum(is_ready(pod) for pod in active),
        "terminating": len(going),
        "uncountedTerminatedPods": noted,
    }


def _condition(kind: str, reason: str, message: str) -> Obj:
    return {
        "type": kind,
        "status": "True",
        "lastProbeTime": stamp(),
        "lastTransitionTime": stamp(),
        "reason": reason,
        "message": message,
    }


def _finished(job: Obj) -> datetime | None:
    for kind in ("Complete", "Failed"):
        held = condition_of(job.get("status") or {}, kind)
        if held is not None and held["status"] == "True":
            return moment_of(held["lastTransitionTime"])
    return None


def _restarts(pod: Obj) -> int:
    statuses = (pod.get("status") or {}).get("containerStatuses") or []
    return sum(one.get("restartCount", 0) for one in statuses)


def _ended_at(pod: Obj) -> datetime:
    ends = [
        moment_of(one["state"]["terminated"].get("finishedAt"))
        for one in (pod.get("status") or {}).get("containerStatuses") or []
        if "terminated" in one.get("state", {})
    ]
    return max(ends, default=moment_of(pod["metadata"].get("creationTimestamp")))
