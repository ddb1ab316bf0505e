"""CronJobs: a Job at every moment of a schedule.

Invariant: the Job of a moment has a name that follows from it, so that it is made once, whatever is
restarted in between; moments that were missed are made up by one Job at most.
"""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta
from typing import ClassVar
from zoneinfo import ZoneInfo

from drydock.cluster.client import ApiError, Client
from drydock.cluster.controllers.controller import Controller
from drydock.cluster.controllers.informer import Cache
from drydock.cluster.controllers.meta import (
    Key,
    condition_of,
    created,
    is_controlled_by,
    is_deleting,
    key_of,
    moment_of,
    now,
    owner_reference,
    seconds_until,
    stamp,
    uid_of,
)
from drydock.cluster.controllers.schedule import Schedule
from drydock.cluster.errors import Obj

SCHEDULED = "batch.kubernetes.io/cronjob-scheduled-timestamp"
MOST_MISSED = 100


class CronJobController(Controller):
    """Starts the Jobs of every CronJob."""

    name: ClassVar[str] = "cronjob-controller"
    kind: ClassVar[str] = "batch/v1/CronJob"

    def __init__(self, client: Client, cache: Cache) -> None:
        super().__init__(client, cache)
        self.jobs = self.secondary("batch/v1/Job")

    async def sync(self, key: Key) -> None:
        """Start what is due, forget old Jobs, write the status."""
        cron = self.primary.get(key)
        if cron is None or is_deleting(cron):
            return
        jobs = [job for job in self.jobs.in_namespace(key[0]) if is_controlled_by(job, cron)]
        status = await self._followed(cron, jobs)
        if not cron["spec"].get("suspend"):
            status = await self._start_due(cron, jobs, status)
        await self.update_status(cron, status)
        await self._forget_old(cron, jobs)

    async def _followed(self, cron: Obj, jobs: list[Obj]) -> Obj:
        """Return the status with the present active Jobs."""
        status = dict(cron.get("status") or {})
        known = {one["uid"] for one in status.get("active") or []}
        active = []
        for job in jobs:
            if _outcome(job) is None:
                active.append(_reference(job))
            elif uid_of(job) in known:
                name, outcome = job["metadata"]["name"], _outcome(job)
                text = f"Saw completed job: {name}, condition: {outcome}"
                await self.recorder.normal(cron, "SawCompletedJob", text)
                if outcome == "Complete":
                    status["lastSuccessfulTime"] = job["status"].get("completionTime", stamp())
        status.pop("active", None)
        return {**status, "active": active} if active else status

    async def _start_due(self, cron: Obj, jobs: list[Obj], status: Obj) -> Obj:
        spec = cron["spec"]
        try:
            schedule = Schedule.parse(spec["schedule"])
            zone = ZoneInfo(spec["timeZone"]) if spec.get("timeZone") else UTC
        except (ValueError, KeyError) as error:
            text = f"unparseable schedule {spec['schedule']!r}: {error}"
            await self.recorder.warning(cron, "UnparseableSchedule", text)
            return status
        at = now().astimezone(zone)
        due = self._due(cron, status, schedule, at)
        upcoming = schedule.after(at)
        if upcoming is not None:
            self.queue.add_after(key_of(cron), max(0.1, seconds_until(upcoming) + 0.1))
        if due is None:
            return status
        deadline = spec.get("startingDeadlineSeconds")
        if deadline is not None and due + timedelta(seconds=deadline) < at:
            text = f"Missed scheduled time to start a job: {stamp(due)}"
            await self.recorder.warning(cron, "MissSchedule", text)
            return {**status, "lastScheduleTime": stamp(due)}
        active = [job for job in jobs if _outcome(job) is None]
        policy = spec.get("concurrencyPolicy", "Allow")
        if active and policy == "Forbid":
            text = "Not starting job because prior execution is running and concurrency policy is Forbid"
            await self.recorder.normal(cron, "JobAlreadyActive", text)
            return status
        if policy == "Replace":
            for job in active:
                await self.delete(job, policy="Background")
                text = f"Deleted job {job['metadata']['name']}"
                await self.recorder.normal(cron, "SuccessfulDelete", text)
            status = {k: v for k, v in status.items() if k != "active"}
        made = await self._create(cron, due)
        if made is not None:
            status = {**status, "active": [*status.get("active", []), _reference(made)]}
        return {**status, "lastScheduleTime": stamp(due)}

    @staticmethod
    def _due(cron: Obj, status: Obj, schedule: Schedule, at: datetime) -> datetime | None:
        """Return the latest moment that has come since the last one."""
        last = status.get("lastScheduleTime")
        since = (moment_of(last) if last else created(cron)).astimezone(at.tzinfo)
        since = max(since, at - timedelta(days=1))
        due = None
        for _ in range(MOST_MISSED * 15):
            following = schedule.after(since)
            if following is None or following > at:
                break
            due = since = following
        return due

    async def _create(self, cron: Obj, due: datetime) -> Obj | None:
        namespace, name = key_of(cron)
        template = copy.deepcopy(cron["spec"]["jobTemplate"])
        meta = template.get("metadata") or {}
        job = {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {
                "name": f"{name}-{int(due.timestamp()) // 60}",
                "namespace": namespace,
                "labels": meta.get("labels") or {},
                "annotations": {**(meta.get("annotations") or {}), SCHEDULED: stamp(due)},
                "ownerReferences": [owner_reference(cron, "batch/v1", "CronJob")],
            },
            "spec": template["spec"],
        }
        try:
            made = await self.create(job)
        except ApiError as error:
            if error.code == 409:
                return None
            await self.recorder.warning(cron, "FailedCreate", f"Error creating job: {error}")
            raise
        text = f"Created job {made['metadata']['name']}"
        await self.recorder.normal(cron, "SuccessfulCreate", text)
        return made

    async def _forget_old(self, cron: Obj, jobs: list[Obj]) -> None:
        limits = (
            ("Complete", cron["spec"].get("successfulJobsHistoryLimit", 3)),
            ("Failed", cron["spec"].get("failedJobsHistoryLimit", 1)),
        )
        for outcome, limit in limits:
            ended = sorted((job for job in jobs if _outcome(job) == outcome), key=created)
            for job in ended[: max(0, len(ended) - limit)]:
                await self.delete(job, policy="Background")
                text = f"Deleted job {job['metadata']['name']}"
                await self.recorder.normal(cron, "SuccessfulDelete", text)


def _outcome(job: Obj) -> str | None:
    for kind in ("Complete", "Failed"):
        held = condition_of(job.get("status") or {}, kind)
        if held is not None and held["status"] == "True":
            return kind
    return None


def _reference(job: Obj) -> Obj:
    namespace, name = key_of(job)
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "name": name,
        "namespace": namespace,
        "uid": uid_of(job),
        "resourceVersion": job["metadata"].get("resourceVersion", ""),
    }
