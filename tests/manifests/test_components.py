"""Components that an environment may opt in to: each builds on each, and says what it should."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import kubernetes_validate
import pytest

from delivery.quota import demand, quantity
from pipelines.catalog.environment import parse_environment
from pipelines.catalog.service import parse_service
from tests.manifests.conftest import APP, MANIFESTS, NAMES, ROOT, Obj, render

COMPONENTS = sorted(path.name for path in MANIFESTS.glob("components/*"))
With = Callable[[str, str], list[Obj]]


@pytest.fixture
def rendered(tmp_path: Path) -> With:
    """Give a function that renders an environment with a component."""

    def render_with(environment: str, component: str) -> list[Obj]:
        at = os.path.relpath(MANIFESTS, tmp_path)
        text = {
            "resources": [f"{at}/environments/{environment}"],
            "components": [f"{at}/components/{component}"],
            "namespace": "somewhere",
        }
        (tmp_path / "kustomization.yaml").write_text(json.dumps(text))
        return render(tmp_path)

    return render_with


@pytest.mark.parametrize("component", COMPONENTS)
@pytest.mark.parametrize("environment", NAMES)
def test_every_component_builds_on_every_environment(
    environment: str, component: str, rendered: With
) -> None:
    for obj in rendered(environment, component):
        kubernetes_validate.validate(obj, "1.37", strict=True)
        assert obj["metadata"]["namespace"] == "somewhere"


def test_the_policies_deny_all_but_the_flows_that_are_needed(rendered: With) -> None:
    objects = rendered("production", "network-policies")
    policies = {
        obj["metadata"]["name"]: obj["spec"] for obj in objects if obj["kind"] == "NetworkPolicy"
    }
    assert policies["default-deny"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    pods = {name: spec["podSelector"]["matchLabels"][APP] for name, spec in own(policies).items()}
    apps = {obj["metadata"]["name"] for obj in objects if obj["kind"] == "Deployment"}
    assert set(pods.values()) == apps
    flows = {
        (peer["podSelector"]["matchLabels"][APP], pods[name])
        for name, spec in own(policies).items()
        for rule in spec["ingress"]
        for peer in rule["from"]
        if "podSelector" in peer
    }
    outward = {
        (pods[name], peer["podSelector"]["matchLabels"][APP])
        for name, spec in own(policies).items()
        for rule in spec.get("egress", [])
        for peer in rule["to"]
    }
    assert flows == outward == {("frontend", "backend")}
    from_outside = {
        pods[name]
        for name, spec in own(policies).items()
        for rule in spec["ingress"]
        for peer in rule["from"]
        if "namespaceSelector" in peer
    }
    assert from_outside == apps
    (names,) = policies["dns"]["egress"]
    assert {port["protocol"] for port in names["ports"]} == {"UDP", "TCP"}


def own(policies: dict[str, Obj]) -> dict[str, Obj]:
    """Take the policies of single services."""
    return {name: spec for name, spec in policies.items() if spec["podSelector"]}


def strategy(environment: str, deployment: Obj) -> str:
    """Tell how a service is delivered; a blue-green one has all its pods twice for a while."""
    name = deployment["metadata"]["name"]
    own = parse_service(
        f"services/{name}/service.yaml", (ROOT / f"services/{name}/service.yaml").read_text()
    )
    path = f"manifests/environments/{environment}/environment.yaml"
    return parse_environment(path, (ROOT / path).read_text()).delivery(own).strategy


@pytest.mark.parametrize("environment", NAMES)
def test_the_quota_has_room_for_all_services_in_the_middle_of_an_update(
    environment: str, rendered: With
) -> None:
    objects = rendered(environment, "quota")
    (quota,) = [obj["spec"]["hard"] for obj in objects if obj["kind"] == "ResourceQuota"]
    deployments = [obj for obj in objects if obj["kind"] == "Deployment"]
    coloured = [obj for obj in deployments if strategy(environment, obj) == "blue-green"]
    idle = [{**obj, "metadata": {"name": f"{obj['metadata']['name']}-idle"}} for obj in coloured]
    needed = demand([*deployments, *idle], {})
    for name, limit in quota.items():
        assert 0 < needed[name] <= quantity(limit), name
