"""Whose object is it? By label, else by name; what another delivery pins is left alone."""

from pathlib import Path
from typing import Any

from delivery.parts import NAME, deployments, split
from delivery.plan import Action, Plan, Service

Obj = dict[str, Any]


def plan(*names: str) -> Plan:
    """Plan a delivery of some services."""
    services = tuple(Service(name, f"r/{name}@sha256:aa", "/", "1") for name in names)
    return Plan(Action.DEPLOY, "local", "space", Path("/"), 5, None, "", services)


def thing(kind: str, name: str, label: str = "") -> Obj:
    """Make an object."""
    return {"kind": kind, "metadata": {"name": name, "labels": {NAME: label} if label else {}}}


def deployment(name: str, image: str, label: str = "") -> Obj:
    """Make a Deployment of one container."""
    pod = {"spec": {"containers": [{"name": name, "image": image}]}}
    return {**thing("Deployment", name, label), "spec": {"template": pod}}


WEB = deployment("web", "r/web@sha256:aa", "web")
WORKER = deployment("web-worker", "r/web@sha256:aa", "web")
OTHER = deployment("other", "other", "other")
REDIS = deployment("redis", "redis:7", "redis")
POLICY = thing("NetworkPolicy", "web")
DENY = thing("NetworkPolicy", "default-deny")


def test_a_services_objects_are_those_with_its_label_or_its_name() -> None:
    parts = split([DENY, WEB, WORKER, POLICY], plan("web"))
    assert parts.shared == (DENY,)
    assert parts.services == {"web": (WEB, WORKER, POLICY)}
    assert deployments(parts.services["web"]) == ["web", "web-worker"]


def test_what_no_service_owns_is_shared_also_a_deployment_with_an_image_of_its_own() -> None:
    parts = split([REDIS, thing("Service", "redis", "redis"), WEB], plan("web"))
    assert [obj["kind"] for obj in parts.shared] == ["Deployment", "Service"]


def test_a_service_that_the_plan_does_not_deliver_is_left_out_with_all_it_has() -> None:
    parts = split([WEB, OTHER, thing("Ingress", "way-in", "other"), DENY], plan("web"))
    assert parts.objects == [DENY, WEB]


def test_a_label_that_names_no_service_does_not_hide_the_name() -> None:
    named_otherwise = deployment("web", "r/web@sha256:aa", "storefront")
    assert split([named_otherwise], plan("web")).services == {"web": (named_otherwise,)}
