"""The lint of how pods come and go."""

from typing import Any

import pytest

from delivery.endings import findings

GOOD: dict[str, Any] = {
    "name": "web",
    "ports": [{"containerPort": 80}],
    "readinessProbe": {"httpGet": {"path": "/ready"}},
    "lifecycle": {"preStop": {"sleep": {"seconds": 3}}},
}
SERVICE = {"kind": "Service", "metadata": {"name": "web"}, "spec": {"selector": {"app": "web"}}}


def deployment(container: dict[str, Any], spec: dict[str, Any], **pod: Any) -> dict[str, Any]:
    """Make a Deployment that the Service sends requests to."""
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container], **pod}}
    metadata = {"name": "web"}
    return {"kind": "Deployment", "metadata": metadata, "spec": {"template": template, **spec}}


def told(obj: dict[str, Any], rolling: tuple[str, ...] = ("web",)) -> str:
    """Lint one Deployment; give what was found."""
    return "\n".join(each.told for each in findings([SERVICE, obj], rolling))


def test_a_pod_that_comes_and_goes_in_order_is_fine() -> None:
    assert told(deployment(GOOD, {"replicas": 2})) == ""


@pytest.mark.parametrize(
    ("key", "words"),
    [("readinessProbe", "no readinessProbe"), ("lifecycle", "no preStop")],
)
def test_what_is_missing_is_told(key: str, words: str) -> None:
    container = {name: value for name, value in GOOD.items() if name != key}
    assert words in told(deployment(container, {"replicas": 2}))


def test_a_container_without_ports_gets_no_requests() -> None:
    assert told(deployment({"name": "sidecar"}, {"replicas": 2})) == ""


def test_a_pause_longer_than_the_grace_is_told() -> None:
    obj = deployment(GOOD, {"replicas": 2}, terminationGracePeriodSeconds=3)
    assert "preStop takes 3 s and all of the end may take 3 s" in told(obj)


@pytest.mark.parametrize(
    ("spec", "bad"),
    [
        ({"replicas": 1}, False),
        ({"replicas": 1, "strategy": {"type": "Recreate"}}, True),
        ({"replicas": 1, "strategy": {"rollingUpdate": {"maxUnavailable": 1}}}, True),
        ({"replicas": 3, "strategy": {"rollingUpdate": {"maxUnavailable": 1}}}, False),
        ({"replicas": 3, "strategy": {"rollingUpdate": {"maxUnavailable": "100%"}}}, True),
        ({"replicas": 0, "strategy": {"type": "Recreate"}}, False),
    ],
)
def test_an_update_must_leave_a_pod(spec: dict[str, Any], bad: bool) -> None:
    assert ("may take away all of its" in told(deployment(GOOD, spec))) is bad
    assert "may take away" not in told(deployment(GOOD, spec), rolling=())


def test_what_no_service_selects_may_end_as_it_likes() -> None:
    obj = deployment({"name": "worker", "ports": [{}]}, {"replicas": 1})
    assert findings([obj], ["web"]) == []


INGRESS: dict[str, Any] = {
    "kind": "Ingress",
    "metadata": {
        "name": "door",
        "annotations": {"alb.ingress.kubernetes.io/target-type": "ip"},
    },
    "spec": {
        "ingressClassName": "alb",
        "rules": [{"http": {"paths": [{"backend": {"service": {"name": "web"}}}]}}],
    },
}


def noted(obj: dict[str, Any], **annotations: str) -> dict[str, Any]:
    """Give an object with other annotations."""
    return {**obj, "metadata": {"name": obj["metadata"]["name"], "annotations": annotations}}


BY_ADDRESS = [
    [INGRESS],
    [noted(SERVICE, **{"cloud.google.com/neg": '{"ingress": true}'})],
    [noted(SERVICE, **{"service.beta.kubernetes.io/aws-load-balancer-nlb-target-type": "ip"})],
]


@pytest.mark.parametrize("more", BY_ADDRESS)
def test_a_balancer_that_knows_pods_by_address_is_told_for_what_is_switched(
    more: list[dict[str, Any]],
) -> None:
    objects = [SERVICE, deployment(GOOD, {"replicas": 2}), *more]
    objects = [each for each in objects if each is not SERVICE or more[0]["kind"] != "Service"]
    (finding,) = findings(objects, ())
    assert "replaces all of them at once" in finding.told
    assert "instance" in finding.way_out or "false" in finding.way_out
    assert findings(objects, ("web",)) == []


def test_one_that_goes_through_the_nodes_or_to_others_is_fine() -> None:
    by_node = noted(INGRESS, **{"alb.ingress.kubernetes.io/target-type": "instance"})
    other = {**INGRESS, "spec": {"ingressClassName": "nginx", "rules": INGRESS["spec"]["rules"]}}
    elsewhere = {**INGRESS, "spec": {"ingressClassName": "alb", "rules": [{"host": "a.example"}]}}
    for each in (by_node, other, elsewhere):
        assert findings([SERVICE, deployment(GOOD, {"replicas": 2}), each], ()) == []
