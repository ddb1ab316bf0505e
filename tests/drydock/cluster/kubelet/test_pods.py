"""Pods as containers of the real runtime."""

from __future__ import annotations

import asyncio
import base64

import pytest

from drydock.cluster.controllers.meta import condition_of
from drydock.cluster.kubelet import kubelet
from drydock.cluster.kubelet.pod import Pod
from drydock.cluster.node import NodeError
from drydock.runtime.image import ImageConfig
from tests.drydock.cluster.kubelet.conftest import Machine

pytestmark = pytest.mark.root

FOREVER = ["sh", "-c", "trap 'echo bye; exit 0' TERM; while true; do sleep 0.05; done"]


def shell(script: str, **more: object) -> dict:
    return {"command": ["sh", "-c", script], **more}


async def test_a_pod_runs_what_its_spec_says(machine: Machine):
    """Environment, volumes, identity and rights reach the process."""
    await machine.create(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "settings"},
            "data": {"a": "1", "file.txt": "hello"},
        }
    )
    word = base64.b64encode(b"open").decode()
    await machine.create(
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys"}, "data": {"word": word}}
    )
    rights = {
        "runAsNonRoot": True,
        "runAsUser": 1000,
        "readOnlyRootFilesystem": True,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }
    script = (
        "id -u; id -G; echo $A-$WORD-$IP; cat /config/file.txt; echo; cat /shared/from-init;"
        " touch /x 2>/dev/null || echo read-only; grep CapBnd /proc/self/status;"
        " cat /keys/word; echo; cat /pod/labels; echo; echo $WHERE; pwd"
    )
    container = shell(
        script,
        workingDir="/shared",
        securityContext=rights,
        env=[
            {"name": "A", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "a"}}},
            {"name": "WORD", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "word"}}},
            {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
            {"name": "WHERE", "value": "at $(IP)"},
        ],
        volumeMounts=[
            {"name": "config", "mountPath": "/config"},
            {"name": "keys", "mountPath": "/keys"},
            {"name": "pod", "mountPath": "/pod"},
            {"name": "shared", "mountPath": "/shared"},
        ],
    )
    first = shell(
        "echo from init > /shared/from-init",
        name="first",
        volumeMounts=[{"name": "shared", "mountPath": "/shared"}],
    )
    item = {"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}
    pod = machine.pod(
        container,
        restartPolicy="Never",
        initContainers=[first],
        securityContext={"fsGroup": 70},
        volumes=[
            {"name": "config", "configMap": {"name": "settings"}},
            {"name": "keys", "secret": {"secretName": "keys", "defaultMode": 0o440}},
            {"name": "pod", "downwardAPI": {"items": [item]}},
            {"name": "shared", "emptyDir": {}},
        ],
    )
    await machine.create(pod)
    status = await machine.phase("Succeeded")
    address = status["podIP"]
    assert (await machine.log()).splitlines() == [
        "1000",
        "1001 50 70",
        f"1-open-{address}",
        "hello",
        "from init",
        "read-only",
        "CapBnd:\t0000000000000000",
        "open",
        'app="p"',
        f"at {address}",
        "/shared",
    ]
    ended = status["containerStatuses"][0]["state"]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (0, "Completed")
    assert status["initContainerStatuses"][0]["ready"]
    assert condition_of(status, "Initialized")["status"] == "True"
    assert status["containerStatuses"][0]["imageID"] == machine.image


async def test_a_service_account_token_is_mounted(machine: Machine):
    """Every pod finds token, authority and namespace in the usual place."""
    await machine.create(
        machine.pod(
            shell(
                "cd /var/run/secrets/kubernetes.io/serviceaccount; cat ca.crt namespace; wc -c < token"
            ),
            restartPolicy="Never",
        )
    )
    await machine.phase("Succeeded")
    text = await machine.log()
    assert text.startswith("the rootroom")
    assert int(text.removeprefix("the rootroom")) > 100


async def test_a_stopping_pod_gets_its_hook_and_signal_in_turn(machine: Machine):
    """PreStop runs before SIGTERM; then nothing of the pod is left."""
    hook = {"preStop": {"exec": {"command": ["sh", "-c", "echo hook > /proc/1/fd/1"]}}}
    await machine.create(machine.pod({"command": FOREVER, "lifecycle": hook}))
    await machine.state(lambda one: one["ready"])
    container = machine.kubelet._names["room", "p"].containers["a"]
    folder = container._room.folder
    await machine.delete("v1/Pod", "p")
    await machine.gone()
    assert container.status.exit_code == 0
    assert not folder.exists()
    assert "Killing: Stopping container a" in await machine.events("Pod")


async def test_an_image_names_the_signal_that_ends_it(machine: Machine, busybox, registry: str):
    """Such as nginx's SIGQUIT, which lets open requests finish."""
    config = ImageConfig(env=("PATH=/bin",), cmd=("sh",), stop_signal="SIGQUIT")
    images = machine.runtime.images
    image = await images.push(
        await images.assemble(config, busybox, mtime=0), f"{registry}/quits:1"
    )
    script = "trap 'exit 1' TERM; trap 'exit 7' QUIT; while true; do sleep 0.05; done"
    await machine.create(machine.pod({**shell(script), "image": image}))
    await machine.state(lambda one: one["ready"])
    container = machine.kubelet._names["room", "p"].containers["a"]
    await machine.delete("v1/Pod", "p")
    await machine.gone()
    assert container.status.exit_code == 7


async def test_a_pod_that_ignores_the_signal_is_killed_after_its_grace(machine: Machine):
    """The exit code is 137."""
    pod = machine.pod(shell("trap '' TERM; while true; do sleep 0.05; done"))
    pod["spec"]["terminationGracePeriodSeconds"] = 1
    await machine.create(pod)
    await machine.state(lambda one: one["ready"])
    container = machine.kubelet._names["room", "p"].containers["a"]
    await machine.delete("v1/Pod", "p")
    await machine.gone()
    assert container.status.exit_code == 137


async def test_a_crashing_container_is_restarted_and_then_waits(machine: Machine):
    """The first restart comes at once, then CrashLoopBackOff names the pause."""
    await machine.create(machine.pod(shell("echo run; echo gone wrong >&2; exit 3")))
    found = await machine.state(
        lambda one: one["state"].get("waiting", {}).get("reason") == "CrashLoopBackOff"
    )
    assert found["restartCount"] == 1
    assert found["lastState"]["terminated"]["exitCode"] == 3
    uid = (await machine.get("v1/Pod", "p"))["metadata"]["uid"]
    assert found["state"]["waiting"]["message"] == (
        f"back-off 10s restarting failed container=a pod=p_room({uid})"
    )
    assert await machine.log(previous=True) == "run\ngone wrong\n"
    events = await machine.events("Pod")
    assert f"BackOff: Back-off restarting failed container a in pod p_room({uid})" in events


async def test_an_image_that_is_missing_is_asked_for_again_later(machine: Machine):
    """ErrImagePull, then ImagePullBackOff, with the kubelet's events."""
    name = machine.image.partition("/")[0] + "/absent:1"
    await machine.create(machine.pod({"image": name}))
    found = await machine.state(
        lambda one: one["state"].get("waiting", {}).get("reason") == "ImagePullBackOff"
    )
    assert found["state"]["waiting"]["message"].startswith(
        f'Back-off pulling image "{name}": ErrImagePull: '
    )
    events = await machine.events("Pod")
    for wanted in (
        f'Pulling: Pulling image "{name}"',
        "Failed: Error: ErrImagePull",
        f'BackOff: Back-off pulling image "{name}"',
        "Failed: Error: ImagePullBackOff",
    ):
        assert wanted in events
    with pytest.raises(NodeError, match="is waiting to start: ImagePullBackOff"):
        await machine.log()
    await machine.delete("v1/Pod", "p")
    await machine.gone()


async def test_a_container_that_must_not_be_root_does_not_start(machine: Machine):
    """CreateContainerConfigError in the kubelet's words."""
    await machine.create(
        machine.pod({"command": FOREVER, "securityContext": {"runAsNonRoot": True}})
    )
    found = await machine.state(
        lambda one: one["state"].get("waiting", {}).get("reason") == "CreateContainerConfigError"
    )
    text = "container has runAsNonRoot and image will run as root"
    assert found["state"]["waiting"]["message"].startswith(text)


async def test_a_command_that_is_not_there_is_a_start_error(machine: Machine):
    """Exit code 128, reason StartError."""
    await machine.create(machine.pod({"command": ["/absent"]}, restartPolicy="Never"))
    status = await machine.phase("Failed")
    ended = status["containerStatuses"][0]["state"]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (128, "StartError")
    assert "/absent" in ended["message"]


async def test_readiness_follows_its_probe(machine: Machine):
    """Not ready, ready, not ready again; the event says what the probe saw."""
    probe = {
        "httpGet": {"path": "/ok", "port": "http"},
        "periodSeconds": 1,
        "failureThreshold": 1,
    }
    await machine.create(
        machine.pod(
            shell(
                "mkdir /www; httpd -f -p 8080 -h /www",
                ports=[{"name": "http", "containerPort": 8080}],
                readinessProbe=probe,
            )
        )
    )

    async def unhealthy() -> bool:
        text = "Unhealthy: Readiness probe failed: HTTP probe failed with statuscode: 404"
        return text in await machine.events("Pod")

    await machine.until(unhealthy)
    assert not (await machine.state(lambda one: one["started"]))["ready"]
    await machine.sh("echo yes > /www/ok")
    await machine.state(lambda one: one["ready"])
    ready = condition_of((await machine.get("v1/Pod", "p"))["status"], "Ready")
    assert ready["status"] == "True"
    await machine.sh("rm /www/ok")
    await machine.state(lambda one: not one["ready"])


async def test_a_dead_container_is_restarted(machine: Machine):
    """Liveness kills it, and the container starts again."""
    probe = {
        "exec": {"command": ["test", "-e", "/alive"]},
        "periodSeconds": 1,
        "failureThreshold": 1,
    }
    startup = {"exec": {"command": ["test", "-e", "/started"]}, "periodSeconds": 1}
    script = "touch /alive /started; trap 'exit 1' TERM; while true; do sleep 0.05; done"
    await machine.create(
        machine.pod(
            shell(script, livenessProbe=probe, startupProbe={**startup, "failureThreshold": 20})
        )
    )
    await machine.state(lambda one: one["started"])
    await machine.sh("rm /alive")
    found = await machine.state(lambda one: one["restartCount"] == 1 and one["started"])
    assert found["lastState"]["terminated"]["exitCode"] == 1
    text = "Killing: Container a failed liveness probe, will be restarted"
    assert text in await machine.events("Pod")


async def test_containers_of_a_pod_share_its_network(machine: Machine):
    """One listens, the other connects to localhost; both have the pod's address."""
    await machine.create(
        machine.pod(
            shell("mkdir /w; echo shared > /w/x; httpd -f -p 8080 -h /w", name="server"),
            shell(
                "until wget -q -O - http://localhost:8080/x; do sleep 0.05; done; sleep 1000",
                name="client",
            ),
        )
    )

    async def heard() -> bool:
        try:
            return await machine.log(container="client") == "shared\n"
        except NodeError:
            return False

    await machine.until(heard)
    reader, writer = await machine.kubelet.port_forward("room", "p", 8080)
    writer.write(b"GET /x HTTP/1.0\r\n\r\n")
    assert (await reader.read()).endswith(b"shared\n")
    writer.close()


async def test_exec_carries_input_and_exit_code(machine: Machine):
    """Also in a terminal."""
    await machine.create(machine.pod({"command": FOREVER}))
    await machine.state(lambda one: one["ready"])
    assert await machine.sh("echo out; echo err >&2; exit 7") == (7, "out\nerr\n")

    async def typed():
        yield b"one\n"
        yield b"two\n"

    for tty in (False, True):
        output: list[bytes] = []
        code = await machine.kubelet.exec(
            "room",
            "p",
            "a",
            ["sh", "-c", "read a; read b; echo $b-$a; exit 5"],
            stdin=typed(),
            stdout=output.append,
            stderr=output.append,
            tty=tty,
        )
        assert code == 5
        assert b"two-one" in b"".join(output)
    with pytest.raises(NodeError, match="failed to exec in container"):
        await machine.kubelet.exec(
            "room", "p", "a", ["/absent"], stdin=None, stdout=print, stderr=print, tty=False
        )


async def test_changed_configuration_reaches_the_volume(machine: Machine):
    """The mounted file changes with the ConfigMap."""
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}
    await machine.create({**config, "data": {"k": "old", "gone": "x"}})
    await machine.create(
        machine.pod(
            {"command": FOREVER, "volumeMounts": [{"name": "c", "mountPath": "/c"}]},
            volumes=[{"name": "c", "configMap": {"name": "c"}}],
        )
    )
    await machine.state(lambda one: one["ready"])
    await machine.patch("v1/ConfigMap", "c", {"data": {"k": "new", "gone": None}})
    await machine.kubelet._names["room", "p"]._volumes.refresh()
    assert await machine.sh("cat /c/k; ls /c") == (0, "newk\n")


async def test_pods_start_again_after_the_cluster_was_killed(machine: Machine):
    """What is stored runs again; until then nothing counts as ready."""
    await machine.create(machine.pod({"command": FOREVER}))
    await machine.state(lambda one: one["ready"])
    for task in machine.tasks:
        task.cancel()
    for task in machine.tasks:
        with pytest.raises(BaseException):  # noqa: B017, PT011 - each was cancelled
            await task
    machine.start()
    found = await machine.state(lambda one: one["restartCount"] == 1 and one["ready"])
    assert found["lastState"]["terminated"]["reason"] == "Unknown"
    assert (await machine.sh("echo alive"))[1] == "alive\n"


async def test_a_pod_whose_task_breaks_is_started_again(machine: Machine, monkeypatch, caplog):
    """A fault of the kubelet itself costs seconds; nobody has to touch the pod."""
    monkeypatch.setattr(kubelet, "BROKEN_RETRY", 0.05)
    run, broken = Pod.run, []

    async def run_second(pod: Pod) -> None:
        if not broken:
            broken.append(pod)
            raise KeyError("spec")
        await run(pod)

    monkeypatch.setattr(Pod, "run", run_second)
    await machine.create(machine.pod({"command": FOREVER}))
    await machine.phase("Running")
    assert broken
    assert "pod room/p broke" in caplog.text


async def test_a_pod_reaches_the_api_under_its_usual_name(machine: Machine):
    """The Service leads to the port of this machine on which the API is served."""

    async def say(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"the api\n")
        writer.close()

    await machine.create(machine.pod({"command": FOREVER}))
    await machine.state(lambda one: one["ready"])
    assert await machine.sh("echo $KUBERNETES_SERVICE_HOST:$KUBERNETES_SERVICE_PORT") == (
        0,
        "10.96.0.1:443\n",
    )
    async with await asyncio.start_server(say, "127.0.0.1", machine.api_port):

        async def answered() -> bool:
            return await machine.sh("timeout 5 nc 10.96.0.1 443") == (0, "the api\n")

        await machine.until(answered)
