"""Autoscalers on a cluster that measures nothing."""

from __future__ import annotations

from drydock.cluster.controllers.meta import condition_of

KIND = "autoscaling/v2/HorizontalPodAutoscaler"
WITHOUT = (
    "failed to get cpu utilization: unable to get metrics for resource cpu: unable to fetch metrics"
    " from resource metrics API: the server could not find the requested resource (get"
    " pods.metrics.k8s.io)"
)


def scaler(**spec: object) -> dict:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    body = {"scaleTargetRef": target, "minReplicas": 2, "maxReplicas": 4, **spec}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web"},
        "spec": body,
    }


async def condition(room, kind: str, reason: str) -> dict:
    async def holds() -> bool:
        found = await room.get(KIND, "web")
        return condition_of(found["status"], kind)["reason"] == reason

    await room.until(holds)
    return await room.get(KIND, "web")


async def test_without_metrics_it_says_so_and_scales_nothing(room, deployment):
    """Conditions, events and status as without a metrics server anywhere."""
    await room.create(deployment(replicas=3))
    await room.create(scaler())
    found = await condition(room, "ScalingActive", "FailedGetResourceMetric")
    status = found["status"]
    active, able = (condition_of(status, kind) for kind in ("ScalingActive", "AbleToScale"))
    assert (active["status"], able["status"]) == ("False", "True")
    assert active["message"] == f"the HPA was unable to compute the replica count: {WITHOUT}"
    assert (status["currentReplicas"], status["desiredReplicas"]) == (3, 0)

    async def told() -> bool:
        return len(await room.events("HorizontalPodAutoscaler")) >= 2

    await room.until(told)
    assert sorted(await room.events("HorizontalPodAutoscaler")) == [
        (
            "FailedComputeMetricsReplicas: invalid metrics (1 invalid out of 1), first error is: failed"
            f" to get cpu resource metric value: {WITHOUT}"
        ),
        f"FailedGetResourceMetric: {WITHOUT}",
    ]
    assert (await room.get("apps/v1/Deployment", "web"))["spec"]["replicas"] == 3


async def test_a_target_out_of_bounds_is_brought_back(room, deployment):
    """Bounds need no metrics."""
    await room.create(deployment(replicas=6))
    await room.create(scaler())

    async def scaled() -> bool:
        return (await room.get("apps/v1/Deployment", "web"))["spec"]["replicas"] == 4

    await room.until(scaled)

    async def told() -> bool:
        wanted = "SuccessfulRescale: New size: 4; reason: Current number of replicas above Spec.MaxReplicas"
        return wanted in await room.events("HorizontalPodAutoscaler")

    await room.until(told)


async def test_a_target_that_rests_is_left_alone(room, deployment):
    """Nothing is scaled up from zero."""
    await room.create(deployment(replicas=0))
    await room.create(scaler())
    found = await condition(room, "ScalingActive", "ScalingDisabled")
    assert found["status"]["desiredReplicas"] == 0


async def test_an_absent_target_is_told(room):
    """The error is that of the API."""
    await room.create(scaler())
    found = await condition(room, "AbleToScale", "FailedGetScale")
    assert condition_of(found["status"], "AbleToScale")["message"] == (
        'the HPA controller was unable to get the target\'s current scale: deployments.apps "web" not found'
    )
