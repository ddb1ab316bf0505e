"""Probes: the manifests ask where the service says that it answers."""

import pytest
import yaml

from pipelines.stages.probes import probe_faults
from tests.pipelines.examples import service

FILE = "manifests/apps/shop/deployment.yaml"
SHOP = service(probes={"health": "/alive", "ready": "/ready"})


def deployment(image: str = "shop", **probes: object) -> str:
    """Write a Deployment whose container has these probes."""
    container = {"name": "shop", "image": image, **probes}
    return yaml.safe_dump(
        {"kind": "Deployment", "spec": {"template": {"spec": {"containers": [container]}}}}
    )


def at(path: str) -> dict[str, object]:
    """Ask a path."""
    return {"httpGet": {"path": path, "port": "http"}}


def test_probes_that_ask_what_is_said_are_good() -> None:
    text = deployment(readinessProbe=at("/ready"), livenessProbe=at("/alive"))
    assert probe_faults(SHOP, FILE, text) == []


def test_a_probe_of_another_path_is_told_with_both_places() -> None:
    text = deployment(readinessProbe=at("/alive"), livenessProbe=at("/ready"))
    assert probe_faults(SHOP, FILE, text) == [
        f"{FILE}: readinessProbe asks /alive, but probes.ready in services/shop/service.yaml is /ready",
        f"{FILE}: livenessProbe asks /ready, but probes.health in services/shop/service.yaml is /alive",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "- a list",
        "kind: Service\nspec: {selector: {app: shop}}",
        "spec: {template: {spec: {containers: 5}}}",
        "spec: {template: {spec: {containers: [5]}}}",
        deployment(),
        deployment(readinessProbe={"exec": {"command": ["true"]}}),
        deployment(readinessProbe={"httpGet": {"port": 80}}),
        deployment("busybox:1", readinessProbe=at("/other")),
    ],
)
def test_what_asks_no_path_of_the_services_image_is_let_be(text: str) -> None:
    assert probe_faults(SHOP, FILE, text) == []


def test_every_document_of_a_file_is_read() -> None:
    text = f"kind: Service\n---\n{deployment(livenessProbe=at('/x'))}"
    assert len(probe_faults(SHOP, FILE, text)) == 1


def test_what_is_no_yaml_is_told_in_one_line() -> None:
    (told,) = probe_faults(SHOP, FILE, "a: [")
    assert told.startswith(f"{FILE}: not valid YAML: ")
