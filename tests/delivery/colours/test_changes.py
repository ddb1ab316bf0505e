"""What changes between releases besides the image: labels, an autoscaler, a hand on the cluster, the strategy."""

import json
from pathlib import Path
from typing import Any

import pytest

from delivery.cluster import Cluster
from delivery.follow import get
from tests.delivery.colours.conftest import Deliver
from tests.delivery.colours.objects import colour, image
from tests.delivery.conftest import digest

pytestmark = pytest.mark.usefixtures("node")
HPA = "/apis/autoscaling/v2/namespaces/{}/horizontalpodautoscalers/backend"


def patched(tmp_path: Path, patch: dict[str, Any] | None, *resources: str) -> None:
    """Let the overlay change the Deployment backend, and have more resources."""
    path = tmp_path / "overlay/kustomization.yaml"
    text = json.loads(path.read_text())
    target = {"kind": "Deployment", "name": "backend"}
    named = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "backend"}}
    text["patches"] = [{"target": target, "patch": json.dumps({**named, **patch})}] if patch else []
    text["resources"] = [*text["resources"], *resources]
    path.write_text(json.dumps(text))


def test_a_release_whose_deployment_finds_its_pods_by_other_labels(
    deliver: Deliver, cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    for each in ("one", "two"):
        assert deliver({"backend": each}) == 0
    more = {"tier": "front"}
    template = {"metadata": {"labels": more}}
    patched(tmp_path, {"spec": {"selector": {"matchLabels": more}, "template": template}})
    assert deliver({"backend": "three"}, "deploy", "--dry-run") == 0
    assert image(cluster, namespace, "backend-blue") == digest("one")
    assert deliver({"backend": "three"}) == 0
    assert colour(cluster, namespace) == "blue"
    found = get(cluster, namespace, "backend-blue")
    assert found is not None
    assert found["spec"]["selector"]["matchLabels"]["tier"] == "front"
    assert image(cluster, namespace, "backend-blue") == digest("three")
    assert deliver({"backend": "three"}, "rollback") == 0
    assert image(cluster, namespace, "backend-green") == digest("two")
    assert colour(cluster, namespace) == "green"


def test_the_autoscaler_of_the_manifests_follows_the_live_colour(
    deliver: Deliver, cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "backend"}
    made = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "backend", "labels": {"app.kubernetes.io/name": "backend"}},
        "spec": {"scaleTargetRef": reference, "minReplicas": 3, "maxReplicas": 5},
    }
    (tmp_path / "overlay/hpa.yaml").write_text(json.dumps(made))
    patched(tmp_path, None, "hpa.yaml")

    def followed() -> str:
        found = cluster.request("GET", HPA.format(namespace))
        return str(found["spec"]["scaleTargetRef"]["name"])

    assert deliver({"backend": "one"}) == 0
    assert followed() == "backend-blue"
    assert deliver({"backend": "two"}) == 0
    assert followed() == "backend-green"
    assert deliver({"backend": "two"}, "rollback") == 0
    assert followed() == "backend-blue"


def test_what_a_hand_changed_on_the_live_colour_is_delivered_anew(
    deliver: Deliver, cluster: Cluster, namespace: str
) -> None:
    for _ in range(2):
        assert deliver({"backend": "one"}) == 0
        assert colour(cluster, namespace) == "blue"
    by_hand = f"*=registry/backend@sha256:{digest('by hand')}"
    cluster.kubectl("set", "image", "deployment/backend-blue", by_hand, "-n", namespace)
    assert deliver({"backend": "one"}) == 0
    assert colour(cluster, namespace) == "green"
    assert image(cluster, namespace, "backend-green") == digest("one")


def test_after_the_exit_a_release_can_take_things_out(
    deliver: Deliver, cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    """Whoever made the plain Deployment anew owns none of its fields for good."""
    noted = {"annotations": {"example.org/note": "x"}}
    pods = {"metadata": noted, "spec": {"terminationGracePeriodSeconds": 77}}
    patched(tmp_path, {"spec": {"template": pods}})
    assert deliver({"backend": "one"}) == 0
    patched(tmp_path, None)
    assert deliver({"backend": "two"}, each={"strategy": "rolling"}) == 0
    found = get(cluster, namespace, "backend")
    assert found is not None
    template = found["spec"]["template"]
    assert "example.org/note" not in (template["metadata"].get("annotations") or {})
    assert template["spec"]["terminationGracePeriodSeconds"] != 77
