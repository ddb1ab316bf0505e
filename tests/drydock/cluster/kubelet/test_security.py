"""Identity, rights, pull credentials and the pod's status."""

from __future__ import annotations

import base64
import json

import pytest

from drydock.cluster.kubelet.pulling import BackOff, Puller, PullError, credentials, registry_of
from drydock.cluster.kubelet.security import rights_of
from drydock.cluster.kubelet.source import ConfigError
from drydock.cluster.kubelet.status import ContainerStatus, PodState, status_of
from drydock.runtime.images import Auth
from drydock.runtime.process import DEFAULT_CAPABILITIES, User


@pytest.fixture
def rootfs(tmp_path):
    etc = tmp_path / "etc"
    etc.mkdir()
    (etc / "passwd").write_text("root:x:0:0::/root:/bin/sh\napp:x:1000:1001::/:/bin/sh\n")
    (etc / "group").write_text("root:x:0:\nstaff:x:50:app\n")
    return tmp_path


def pod(**security: object) -> dict:
    meta = {"name": "p", "namespace": "n", "uid": "u"}
    return {"metadata": meta, "spec": {"securityContext": security}}


def container(**security: object) -> dict:
    return {"name": "c", "securityContext": security}


def test_the_containers_context_wins_over_the_pods(rootfs):
    """The pod's user applies unless the container names another; fsGroup is an additional group."""
    made = rights_of(pod(runAsUser=5, fsGroup=70), container(runAsUser=1000), "", rootfs)
    assert made.user == User(1000, 1001, (50, 70))
    assert rights_of(pod(runAsUser=5), container(), "", rootfs).user == User(5, 0, ())


def test_the_images_user_is_looked_up_in_the_image(rootfs):
    """A name becomes numbers; an unknown one cannot be configured."""
    assert rights_of(pod(), container(), "app", rootfs).user == User(1000, 1001, (50,))
    with pytest.raises(ConfigError, match="unable to find user nobody"):
        rights_of(pod(), container(), "nobody", rootfs)


@pytest.mark.parametrize(
    ("security", "image_user", "message"),
    [
        ({}, "", "container has runAsNonRoot and image will run as root"),
        ({}, "0:0", "container has runAsNonRoot and image will run as root"),
        ({"runAsUser": 0}, "5", "container's runAsUser breaks non-root policy"),
        (
            {},
            "app",
            (
                "container has runAsNonRoot and image has non-numeric user (app), "
                "cannot verify user is non-root"
            ),
        ),
    ],
)
def test_non_root_is_refused_in_the_kubelets_words(rootfs, security, image_user, message):
    """The text names pod and container."""
    with pytest.raises(ConfigError) as caught:
        rights_of(pod(runAsNonRoot=True), container(**security), image_user, rootfs)
    assert str(caught.value) == f'{message} (pod: "p_n(u)", container: c)'


def test_a_numeric_user_passes_the_check(rootfs):
    """Neither a numeric image user nor runAsUser is root."""
    assert rights_of(pod(runAsNonRoot=True), container(), "1000", rootfs).user.uid == 1000
    assert rights_of(pod(runAsNonRoot=True), container(runAsUser=7), "app", rootfs).user.uid == 7


def test_capabilities_are_dropped_and_added(rootfs):
    """ALL drops the defaults; names work with and without prefix."""
    wanted = {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}
    made = rights_of(pod(), container(capabilities=wanted), "", rootfs)
    assert made.capabilities == {"CAP_NET_BIND_SERVICE"}
    made = rights_of(pod(), container(capabilities={"drop": ["CAP_CHOWN"]}), "", rootfs)
    assert made.capabilities == DEFAULT_CAPABILITIES - {"CAP_CHOWN"}
    assert not made.no_new_privileges
    assert rights_of(pod(), container(allowPrivilegeEscalation=False), "", rootfs).no_new_privileges


@pytest.mark.parametrize(
    ("name", "registry"),
    [
        ("localhost:5000/app:1", "localhost:5000"),
        ("ghcr.io/a/b@sha256:00", "ghcr.io"),
        ("nginx", "docker.io"),
        ("library/nginx", "docker.io"),
    ],
)
def test_the_registry_of_an_image(name, registry):
    """A first part with a dot, a colon or localhost is a host."""
    assert registry_of(name) == registry


def secret(auths: dict) -> dict:
    text = json.dumps({"auths": auths}).encode()
    return {"kind": "Secret", "data": {".dockerconfigjson": base64.b64encode(text).decode()}}


def test_pull_secrets_give_credentials_for_their_registry_only():
    """Both forms of an entry are read; a broken secret holds nothing."""
    joined = base64.b64encode(b"me:word").decode()
    held = secret({"https://localhost:5000/v2/": {"auth": joined}, "ghcr.io": {"username": "x"}})
    assert credentials(held, "localhost:5000") == [Auth("me", "word")]
    assert credentials(held, "ghcr.io") == [Auth("x", "")]
    assert credentials(held, "docker.io") == []
    broken = {"kind": "Secret", "data": {".dockerconfigjson": base64.b64encode(b"{").decode()}}
    assert credentials(broken, "ghcr.io") == []


async def test_a_name_that_cannot_be_an_image_is_told_apart_from_a_failed_pull():
    """InvalidImageName, as a kubelet says it; no registry is asked."""
    told = []

    async def tell(*words: str) -> None:
        told.append(words)

    puller = Puller(client=None, images=None)
    with pytest.raises(PullError) as caught:
        await puller.pull(pod(), {"name": "c", "image": "Bad Name:x"}, tell)
    assert caught.value.reason == "InvalidImageName"
    cause = 'couldn\'t parse image name "Bad Name:x": invalid reference format'
    assert told == [
        ("Warning", "InspectFailed", f'Failed to apply default image tag "Bad Name:x": {cause}'),
        ("Warning", "Failed", "Error: InvalidImageName"),
    ]


def test_back_off_doubles_to_five_minutes():
    """10 s, 20 s, ... 300 s, and from the beginning after a success."""
    back_off = BackOff()
    assert [back_off.fail("x") for _ in range(7)] == [10, 20, 40, 80, 160, 300, 300]
    back_off.forget("x")
    assert back_off.fail("x") == 10


def shown(*main: ContainerStatus, init: tuple[ContainerStatus, ...] = (), **held: object) -> dict:
    spec = {"containers": [{"name": one.name} for one in main]}
    spec["initContainers"] = [{"name": one.name} for one in init]
    state = PodState(init, main, "10.88.0.2", "10.88.0.1", "2026-11-22T10:00:00Z")
    return status_of({"metadata": {"generation": 1}, "spec": spec, "status": held}, state)


def ended(name: str, code: int, *, over: bool = True) -> ContainerStatus:
    return ContainerStatus(name, "i", state={"terminated": {"exitCode": code}}, over=over)


def test_the_phase_follows_the_containers():
    """Pending until one runs; Succeeded or Failed when all are over."""
    running = ContainerStatus("a", "i", state={"running": {}}, ready=True, started=True)
    assert shown(ContainerStatus("a", "i"))["phase"] == "Pending"
    assert shown(running)["phase"] == "Running"
    assert shown(running, ended("b", 1, over=False))["phase"] == "Running"
    assert shown(ended("a", 0), ended("b", 0))["phase"] == "Succeeded"
    assert shown(ended("a", 0), ended("b", 3))["phase"] == "Failed"
    assert shown(ContainerStatus("a", "i"), init=(ended("i", 1),))["phase"] == "Failed"


def test_conditions_name_what_is_not_ready_and_keep_those_of_others():
    """Five conditions; PodScheduled stays as the scheduler wrote it."""
    scheduled = {"type": "PodScheduled", "status": "True"}
    status = shown(
        ContainerStatus("a", "i", state={"running": {}}, ready=True),
        ContainerStatus("b", "i"),
        conditions=[scheduled],
    )
    found = {one["type"]: one for one in status["conditions"]}
    assert found["Ready"]["reason"] == "ContainersNotReady"
    assert found["Ready"]["message"] == "containers with unready status: [b]"
    assert found["Initialized"]["status"] == "True"
    assert found["PodReadyToStartContainers"]["status"] == "True"
    assert found["PodScheduled"] == scheduled
