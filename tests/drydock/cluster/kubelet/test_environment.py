"""Environment, command and the downward API."""

from __future__ import annotations

import base64

import pytest

from drydock.cluster.client import ApiError
from drydock.cluster.kubelet.environment import (
    command_of,
    environment_of,
    expand,
    resource_of,
    service_variables,
    stop_signal_of,
)
from drydock.cluster.kubelet.source import ConfigError, ConfigSource
from drydock.runtime.image import ImageConfig

POD = {
    "metadata": {
        "name": "web-1",
        "namespace": "shop",
        "uid": "u1",
        "labels": {"app": "web"},
        "annotations": {"note": "a\nb"},
    },
    "spec": {"nodeName": "drydock", "serviceAccountName": "runner"},
}
PLAIN = ImageConfig()
ADDRESSES = {"podIP": "10.88.0.9", "hostIP": "10.88.0.1"}


class Objects:
    """An API that holds one ConfigMap and one Secret."""

    async def get(self, kind: str, namespace: str, name: str) -> dict:
        secret = {"kind": "Secret", "data": {"word": base64.b64encode(b"open").decode()}}
        held = {
            ("v1/ConfigMap", "shop", "settings"): {
                "kind": "ConfigMap",
                "data": {"a": "1", "b": "2"},
            },
            ("v1/Secret", "shop", "keys"): secret,
        }
        if (kind, namespace, name) not in held:
            raise ApiError(404, "NotFound", "not found")
        return held[kind, namespace, name]


async def variables(container: dict, image: ImageConfig = PLAIN) -> dict[str, str]:
    return await environment_of(
        container,
        POD,
        image=image,
        addresses=ADDRESSES,
        services={},
        source=ConfigSource(Objects()),
    )


def value(name: str, **origin: object) -> dict:
    return {"name": name, "valueFrom": origin}


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("$(A)-$(B)", "1-$(B)"),
        ("$$(A)", "$(A)"),
        ("$A", "$A"),
        ("$(A", "$(A"),
        ("$$$(A)", "$1"),
    ],
)
def test_references_are_expanded_as_a_kubelet_does(text, expanded):
    """Known names are replaced, unknown ones stay, a doubled dollar is one."""
    assert expand(text, {"A": "1"}) == expanded


async def test_later_definitions_win_and_see_earlier_ones():
    """Image, then envFrom, then env in order."""
    container = {
        "envFrom": [{"prefix": "CM_", "configMapRef": {"name": "settings"}}],
        "env": [
            {"name": "A", "value": "$(CM_a)$(LATER)"},
            {"name": "LATER", "value": "x"},
            {"name": "PATH", "value": "/own"},
        ],
    }
    made = await variables(container, ImageConfig(env=("PATH=/image", "LANG=C")))
    assert made == {
        "PATH": "/own",
        "LANG": "C",
        "HOSTNAME": "web-1",
        "CM_a": "1",
        "CM_b": "2",
        "A": "1$(LATER)",
        "LATER": "x",
    }


async def test_values_come_from_fields_and_keys():
    """Field, ConfigMap key, Secret key, resource."""
    container = {
        "resources": {"limits": {"cpu": "500m", "memory": "64Mi"}},
        "env": [
            value("IP", fieldRef={"fieldPath": "status.podIP"}),
            value("APP", fieldRef={"fieldPath": "metadata.labels['app']"}),
            value("B", configMapKeyRef={"name": "settings", "key": "b"}),
            value("WORD", secretKeyRef={"name": "keys", "key": "word"}),
            value("NONE", secretKeyRef={"name": "absent", "key": "x", "optional": True}),
            value("MEM", resourceFieldRef={"resource": "limits.memory", "divisor": "1Mi"}),
            value("CPU", resourceFieldRef={"resource": "requests.cpu"}),
        ],
    }
    made = await variables(container)
    wanted = {"IP": "10.88.0.9", "APP": "web", "B": "2", "WORD": "open", "MEM": "64", "CPU": "1"}
    assert wanted.items() <= made.items()
    assert "NONE" not in made


@pytest.mark.parametrize(
    ("origin", "message"),
    [
        ({"configMapKeyRef": {"name": "no", "key": "k"}}, 'configmap "no" not found'),
        ({"secretKeyRef": {"name": "no", "key": "k"}}, 'secret "no" not found'),
        (
            {"configMapKeyRef": {"name": "settings", "key": "z"}},
            "couldn't find key z in ConfigMap shop/settings",
        ),
    ],
)
async def test_what_is_missing_is_told_in_the_kubelets_words(origin, message):
    """The container cannot be configured, and the text says which object lacks."""
    with pytest.raises(ConfigError) as caught:
        await variables({"env": [{"name": "X", "valueFrom": origin}]})
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("container", "words"),
    [
        ({}, ("/entry", "--serve")),
        ({"args": ["$(A)"]}, ("/entry", "1")),
        ({"command": ["sh", "-c"]}, ("sh", "-c")),
        ({"command": ["sh"], "args": ["-c", "x"]}, ("sh", "-c", "x")),
    ],
)
def test_command_replaces_both_and_args_only_the_cmd(container, words):
    """As the documentation's table has it."""
    image = ImageConfig(entrypoint=("/entry",), cmd=("--serve",))
    assert command_of(container, image, {"A": "1"}) == words


def test_resources_of_another_container_can_be_named():
    """A volume names the container that it asks about."""
    pod = {"spec": {"containers": [{"name": "b", "resources": {"requests": {"cpu": "1500m"}}}]}}
    reference = {"containerName": "b", "resource": "requests.cpu", "divisor": "1m"}
    assert resource_of(pod, {}, reference) == "1500"


def test_services_are_named_in_variables():
    """The API's always, those of the namespace only with links, headless ones never."""

    def service(namespace: str, name: str, address: str) -> dict:
        ports = [{"name": "http", "port": 80}]
        meta = {"namespace": namespace, "name": name}
        return {"metadata": meta, "spec": {"clusterIP": address, "ports": ports}}

    services = [
        service("default", "kubernetes", "10.96.0.1"),
        service("shop", "my-db", "10.96.0.7"),
        service("shop", "bare", "None"),
        service("other", "web", "10.96.0.8"),
    ]
    plain = service_variables("shop", services, links=False)
    assert plain["KUBERNETES_SERVICE_HOST"] == "10.96.0.1"
    assert plain.keys() == {
        "KUBERNETES_SERVICE_HOST",
        "KUBERNETES_SERVICE_PORT",
        "KUBERNETES_SERVICE_PORT_HTTP",
    }
    linked = service_variables("shop", services, links=True)
    assert linked["MY_DB_SERVICE_HOST"] == "10.96.0.7"
    assert not any(name.startswith(("BARE", "WEB")) for name in linked)


@pytest.mark.parametrize(
    ("named", "number"),
    [("", 15), ("SIGQUIT", 3), ("quit", 3), ("10", 10), ("SIGNONE", 15), ("4096", 15)],
)
def test_the_stop_signal_is_the_images_own(named, number):
    """By name or by number; what is no signal counts as none."""
    assert stop_signal_of(ImageConfig(stop_signal=named)) == number
