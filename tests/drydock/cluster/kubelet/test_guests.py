"""Containers that come later or are typed into, and volumes that stay."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from drydock.cluster.controllers.informer import Cache
from drydock.cluster.kubelet.local_volumes import PROVISIONER, LocalVolumes
from tests.drydock.cluster.kubelet.conftest import NAMESPACE, Machine

pytestmark = pytest.mark.root

CLAIM = "v1/PersistentVolumeClaim"


async def typed(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def attached(machine: Machine, *pieces: bytes) -> bytes:
    """Attach to the pod's container, type, and return everything that it said."""
    said: list[bytes] = []
    async with asyncio.timeout(20):
        await machine.kubelet.attach(
            NAMESPACE, "p", "a", stdin=typed(*pieces), stdout=said.append, stderr=said.append
        )
    return b"".join(said)


async def test_an_ephemeral_container_joins_a_running_pod(machine: Machine):
    """`kubectl debug`: it shares the network, ends by itself, and changes nothing about the pod."""
    server = "mkdir -p /tmp; echo hi > /tmp/index.html; httpd -f -p 8080 -h /tmp"
    await machine.create(machine.pod({"command": ["sh", "-c", server]}))
    await machine.state(lambda one: one["ready"])
    guest = {
        "name": "guest",
        "image": machine.image,
        "command": ["sh", "-c", "wget -q -O - http://127.0.0.1:8080/; exit 3"],
    }
    await machine.client.patch(
        "v1/Pod",
        NAMESPACE,
        "p",
        {"spec": {"ephemeralContainers": [guest]}},
        type="application/strategic-merge-patch+json",
        subresource="ephemeralcontainers",
    )

    async def over() -> bool:
        status = (await machine.get("v1/Pod", "p"))["status"]
        (one,) = status["ephemeralContainerStatuses"]
        return one["state"]["terminated"]["exitCode"] == 3

    await machine.until(over)
    assert await machine.log(container="guest") == "hi\n"
    status = (await machine.get("v1/Pod", "p"))["status"]
    assert status["phase"] == "Running"
    assert [one["name"] for one in status["containerStatuses"]] == ["a"]
    assert status["containerStatuses"][0]["ready"]


async def test_an_open_input_is_typed_into(machine: Machine):
    """`kubectl run -i`: the container hears every line, and its end when it is for once."""
    script = "printf 'name? '; read name; echo hello $name; cat; echo over"
    container = {"command": ["sh", "-c", script], "stdin": True, "stdinOnce": True}
    await machine.create(machine.pod(container, restartPolicy="Never"))
    await machine.state(lambda one: "running" in one["state"])
    assert await attached(machine, b"you\n", b"more\n") == b"name? hello you\nmore\nover\n"
    assert (await machine.phase("Succeeded"))["phase"] == "Succeeded"


async def test_a_terminal_echoes(machine: Machine):
    """`tty: true`: what is typed comes back, lines end as on a terminal."""
    script = "test -t 0 && echo terminal; read line; echo got $line"
    container = {"command": ["sh", "-c", script], "stdin": True, "tty": True}
    await machine.create(machine.pod(container, restartPolicy="Never"))
    await machine.state(lambda one: "running" in one["state"])
    said = await attached(machine, b"x\n")
    assert said.startswith(b"terminal\r\n")
    assert said.endswith(b"got x\r\n")


async def test_a_claim_keeps_its_files_over_pods(machine: Machine, tmp_path: Path):
    """A folder is made for it at its first pod, outlives the pod, and goes with the claim."""
    client = machine.api.client("local-volumes")
    cache = Cache(client)
    volumes = LocalVolumes(client, cache, tmp_path / "volumes")
    await cache.start()
    running = asyncio.create_task(volumes.run())
    await machine.client.create(
        {
            "apiVersion": "storage.k8s.io/v1",
            "kind": "StorageClass",
            "metadata": {"name": "local"},
            "provisioner": PROVISIONER,
            "volumeBindingMode": "WaitForFirstConsumer",
        }
    )
    spec = {
        "storageClassName": "local",
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}},
    }
    meta = {"name": "data"}
    await machine.create(
        {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta, "spec": spec}
    )
    mounts = [{"name": "data", "mountPath": "/data"}]
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}
    for name, script in (("one", "echo kept > /data/file"), ("two", "cat /data/file")):
        container = {"command": ["sh", "-c", script], "volumeMounts": mounts}
        await machine.create(
            machine.pod(container, name=name, restartPolicy="Never", volumes=[volume])
        )
        await machine.phase("Succeeded", name)
    assert await machine.log("two") == "kept\n"
    assert len(list((tmp_path / "volumes").iterdir())) == 1
    for name in ("one", "two"):
        await machine.delete("v1/Pod", name)
    await machine.delete(CLAIM, "data")

    async def gone() -> bool:
        left = (await machine.client.list("v1/PersistentVolume"))[0]
        return not left and not list((tmp_path / "volumes").iterdir())

    await machine.until(gone)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await cache.close()
