"""HorizontalPodAutoscalers on a cluster that measures nothing, as on any without a metrics server.

Bounds are kept: a target with too many or too few replicas is scaled to them. Everything else is told
in conditions and events, in the words that people know from a real cluster. Invariant: what nothing was
measured of is never scaled.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from drydock.cluster.client import ApiError
from drydock.cluster.controllers.controller import Controller
from drydock.cluster.controllers.meta import Key, condition_of, is_deleting, key_of, stamp
from drydock.cluster.errors import Obj

PERIOD_SECONDS = 15.0
_NO_METRICS = (
    "unable to fetch metrics from resource metrics API: the server could not find the requested"
    " resource (get pods.metrics.k8s.io)"
)
_NO_CUSTOM = (
    "unable to fetch metrics from custom metrics API: no custom metrics API (custom.metrics.k8s.io)"
    " registered"
)


@dataclass(frozen=True)
class Missing:
    """Why one metric has no value: the event's reason, its text, and what the calculation says."""

    reason: str
    text: str
    whole: str


class AutoscalerController(Controller):
    """Keeps the status of every autoscaler, and its target within its bounds."""

    name: ClassVar[str] = "horizontal-pod-autoscaler"
    kind: ClassVar[str] = "autoscaling/v2/HorizontalPodAutoscaler"

    def _primary_changed(self, old: Obj | None, new: Obj | None) -> None:
        """Wake for a new wish only: what is told here must not be told again at once."""
        if old is None or new is None or old["spec"] != new["spec"]:
            super()._primary_changed(old, new)

    async def sync(self, key: Key) -> None:
        """Look at one autoscaler's target."""
        scaler = self.primary.get(key)
        if scaler is None or is_deleting(scaler):
            return
        self.queue.add_after(key, PERIOD_SECONDS)
        held = scaler.get("status") or {}
        status: Obj = {**held, "conditions": list(held.get("conditions") or [])}
        try:
            scale = await self._scale_of(scaler)
        except ApiError as error:
            text = f"the HPA controller was unable to get the target's current scale: {error}"
            _set(status, "AbleToScale", "False", "FailedGetScale", text)
            await self._write(scaler, status)
            await self.recorder.warning(scaler, "FailedGetScale", str(error))
            return
        text = "the HPA controller was able to get the target's current scale"
        _set(status, "AbleToScale", "True", "SucceededGetScale", text)
        current = (scale.get("spec") or {}).get("replicas", 0)
        wanted, why = _bounded(scaler, current)
        if current == 0 and scaler["spec"].get("minReplicas", 1) != 0:
            text = "scaling is disabled since the replica count of the target is zero"
            _set(status, "ScalingActive", "False", "ScalingDisabled", text)
            status |= {"currentReplicas": 0, "desiredReplicas": 0}
            await self._write(scaler, status)
        elif why:
            await self._rescale(scaler, status, current, wanted, why)
        else:
            await self._unmeasured(scaler, status, current)

    async def _scale_of(self, scaler: Obj) -> Obj:
        target = scaler["spec"]["scaleTargetRef"]
        kind = f"{target.get('apiVersion', 'v1')}/{target['kind']}"
        namespace = key_of(scaler)[0]
        return await self.client.get(kind, namespace, target["name"], subresource="scale")

    async def _rescale(self, scaler: Obj, status: Obj, current: int, wanted: int, why: str) -> None:
        target = scaler["spec"]["scaleTargetRef"]
        kind = f"{target.get('apiVersion', 'v1')}/{target['kind']}"
        change = {"spec": {"replicas": wanted}}
        try:
            await self.client.patch(
                kind, key_of(scaler)[0], target["name"], change, subresource="scale"
            )
        except ApiError as error:
            text = f"the HPA controller was unable to update the target scale: {error}"
            _set(status, "AbleToScale", "False", "FailedUpdateScale", text)
            await self._write(scaler, {**status, "currentReplicas": current})
            told = f"New size: {wanted}; reason: {why}; error: {error}"
            await self.recorder.warning(scaler, "FailedRescale", told)
            return
        text = f"the HPA controller was able to update the target scale to {wanted}"
        _set(status, "AbleToScale", "True", "SucceededRescale", text)
        status |= {"currentReplicas": current, "desiredReplicas": wanted, "lastScaleTime": stamp()}
        await self._write(scaler, status)
        told = f"New size: {wanted}; reason: {why}"
        await self.recorder.normal(scaler, "SuccessfulRescale", told)

    async def _unmeasured(self, scaler: Obj, status: Obj, current: int) -> None:
        metrics = scaler["spec"].get("metrics") or []
        missing = [_missing(one, key_of(scaler)[0]) for one in metrics]
        if not missing:
            return
        first = missing[0]
        text = f"the HPA was unable to compute the replica count: {first.text}"
        _set(status, "ScalingActive", "False", first.reason, text)
        status |= {"currentReplicas": current, "currentMetrics": [{"type": ""} for _ in metrics]}
        status.setdefault("desiredReplicas", 0)
        await self._write(scaler, status)
        for one in missing:
            await self.recorder.warning(scaler, one.reason, one.text)
        count = len(missing)
        told = f"invalid metrics ({count} invalid out of {count}), first error is: {first.whole}"
        await self.recorder.warning(scaler, "FailedComputeMetricsReplicas", told)

    async def _write(self, scaler: Obj, status: Obj) -> None:
        if scaler.get("status") != status:
            await self.update_status(scaler, status)


def _bounded(scaler: Obj, current: int) -> tuple[int, str]:
    """Return the nearest number within the bounds, and why it differs from the current one."""
    spec = scaler["spec"]
    if current > spec["maxReplicas"]:
        return spec["maxReplicas"], "Current number of replicas above Spec.MaxReplicas"
    if current < spec.get("minReplicas", 1):
        return spec.get("minReplicas", 1), "Current number of replicas below Spec.MinReplicas"
    return current, ""


def _missing(metric: Obj, namespace: str) -> Missing:
    """Word why one metric has no value."""
    kind = metric["type"]
    if kind in ("Resource", "ContainerResource"):
        source = metric["resource" if kind == "Resource" else "containerResource"]
        name = source["name"]
        what = "utilization" if "averageUtilization" in source["target"] else "usage"
        text = (
            f"failed to get {name} {what}: unable to get metrics for resource {name}: {_NO_METRICS}"
        )
        word = "resource" if kind == "Resource" else "container"
        return Missing(
            f"FailedGet{kind}Metric", text, f"failed to get {name} {word} metric value: {text}"
        )
    field = kind[:1].lower() + kind[1:]
    name = metric[field]["metric"]["name"]
    if kind == "External":
        text = (
            f"unable to get external metric {namespace}/{name}/nil: unable to fetch metrics from external"
            " metrics API: the server could not find the requested resource"
            f" (get {name}.external.metrics.k8s.io)"
        )
    else:
        text = f"unable to get metric {name}: {_NO_CUSTOM}"
    return Missing(
        f"FailedGet{kind}Metric", text, f"failed to get {name} {field} metric value: {text}"
    )


def _set(status: Obj, kind: str, value: str, reason: str, message: str) -> None:
    """Set a condition, in place; its time moves with its value alone."""
    before = condition_of(status, kind)
    same = before is not None and before["status"] == value
    made = {
        "type": kind,
        "status": value,
        "lastTransitionTime": before["lastTransitionTime"] if before and same else stamp(),
        "reason": reason,
        "message": message,
    }
    kinds = [one["type"] for one in status["conditions"]]
    if kind in kinds:
        status["conditions"][kinds.index(kind)] = made
    else:
        status["conditions"].append(made)
