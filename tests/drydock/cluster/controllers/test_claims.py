"""Claims and volumes: binding, waiting, protection."""

from __future__ import annotations

from drydock.cluster.controllers.meta import condition_of
from tests.drydock.cluster.controllers.conftest import template

CLAIM, VOLUME = "v1/PersistentVolumeClaim", "v1/PersistentVolume"


def claim(name: str = "c", size: str = "1Gi", **spec: object) -> dict:
    body = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": size}},
        **spec,
    }
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name},
        "spec": body,
    }


async def volume(room, name: str, size: str, **spec: object) -> None:
    body = {
        "capacity": {"storage": size},
        "accessModes": ["ReadWriteOnce", "ReadOnlyMany"],
        "hostPath": {"path": f"/tmp/{name}"},
        **spec,
    }
    meta = {"name": name}
    await room.client.create(
        {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": meta, "spec": body}
    )


async def phase(room, kind: str, name: str, wanted: str) -> dict:
    async def holds() -> bool:
        namespace = None if kind == VOLUME else "room"
        return (await room.client.get(kind, namespace, name))["status"]["phase"] == wanted

    await room.until(holds)
    return await room.client.get(kind, None if kind == VOLUME else "room", name)


async def test_a_claim_gets_the_smallest_volume_that_fits(room):
    """Both ends say so, and the volume is Released when the claim goes."""
    for name, size in (("big", "9Gi"), ("fits", "2Gi"), ("small", "1Mi")):
        await volume(room, name, size)
    await volume(room, "other", "1Gi", storageClassName="fast")
    await room.create(claim())
    held = await phase(room, CLAIM, "c", "Bound")
    assert held["spec"]["volumeName"] == "fits"
    assert held["status"]["capacity"] == {"storage": "2Gi"}
    bound = await phase(room, VOLUME, "fits", "Bound")
    assert bound["spec"]["claimRef"]["name"] == "c"
    await phase(room, VOLUME, "big", "Available")
    await room.delete(CLAIM, "c")
    await phase(room, VOLUME, "fits", "Released")


async def test_a_claim_without_a_volume_says_what_it_waits_for(room):
    """No class, an unknown class."""
    await room.create(claim())
    await room.create(claim("classy", storageClassName="fast"))

    async def told() -> bool:
        return sorted(await room.events("PersistentVolumeClaim")) == [
            (
                "FailedBinding: no persistent volumes available for this claim and no storage class"
                " is set"
            ),
            'ProvisioningFailed: storageclass.storage.k8s.io "fast" not found',
        ]

    await room.until(told)


async def test_a_pod_waits_for_its_claims(room):
    """The scheduler says so, and binds as soon as they are bound."""
    spec = {
        **template("web")["spec"],
        "volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "c"}}],
    }
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec}
    await room.create(pod)

    async def says(text: str) -> bool:
        status = (await room.get("v1/Pod", "p"))["status"]
        return text in condition_of(status, "PodScheduled")["message"]

    await room.until(lambda: says('available: persistentvolumeclaim "c" not found. no new'))
    await room.create(claim())
    await room.until(lambda: says("pod has unbound immediate PersistentVolumeClaims"))
    await volume(room, "v", "1Gi")

    async def runs() -> bool:
        return (await room.get("v1/Pod", "p"))["status"]["phase"] == "Running"

    await room.until(runs)


async def test_a_claim_in_use_stays_until_its_pod_has_gone(room):
    """Deletion waits; the volume waits for the claim."""
    await volume(room, "v", "1Gi")
    await room.create(claim())
    await phase(room, CLAIM, "c", "Bound")
    spec = {
        **template("web")["spec"],
        "volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "c"}}],
    }
    await room.create({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec})

    async def runs() -> bool:
        return (await room.get("v1/Pod", "p"))["status"]["phase"] == "Running"

    await room.until(runs)
    await room.delete(CLAIM, "c")
    await room.client.delete(VOLUME, None, "v")
    left = await room.get(CLAIM, "c")
    assert left["metadata"]["finalizers"] == ["kubernetes.io/pvc-protection"]
    await room.delete("v1/Pod", "p")

    async def gone() -> bool:
        return not await room.all(CLAIM) and not (await room.client.list(VOLUME))[0]

    await room.until(gone)
