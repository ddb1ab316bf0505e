"""Rendering: the environment's overlay with each service's image pinned to its digest."""

import json
import os
import tempfile
from pathlib import Path

from delivery.cluster import Cluster, KubectlError
from delivery.errors import PlanError
from delivery.plan import Plan, Service

REVISION = "shipyard.dev/revision"
VERSION = "shipyard.dev/version"
CAUSE = "kubernetes.io/change-cause"


def render(cluster: Cluster, plan: Plan) -> str:
    """Render the manifests; raise PlanError when they do not build or leave an image unpinned."""
    with tempfile.TemporaryDirectory(prefix="overlay-") as folder:
        overlay = Path(folder).resolve()
        text = json.dumps(kustomization(plan, os.path.relpath(plan.overlay.resolve(), overlay)))
        (overlay / "kustomization.yaml").write_text(text, encoding="utf-8")
        try:
            rendered = cluster.kubectl("kustomize", str(overlay))
        except KubectlError as error:
            raise PlanError(f"the overlay of {plan.environment} does not build: {error}") from error
    for service in plan.services:
        if service.image not in rendered:
            raise PlanError(
                f"no container of environment {plan.environment} uses the image {service.name!r}:"
                f" list ../../apps/{service.name} in its kustomization.yaml, and name the image so in"
                f" manifests/apps/{service.name}; delivery puts the digest there"
            )
    return rendered


def kustomization(plan: Plan, resource: str) -> dict[str, object]:
    """Write the overlay over the overlay. JSON is YAML too, so no YAML library is needed."""
    return {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [resource],
        "images": [
            {"name": service.name, "newName": service.repository, "digest": service.digest}
            for service in plan.services
        ],
        "patches": [_annotated(plan, service) for service in plan.services],
    }


def _annotated(plan: Plan, service: Service) -> dict[str, object]:
    """Annotate the Deployment itself, not its pods: a note is no reason to restart them."""
    patch = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": service.name,
            "annotations": {
                CAUSE: f"shipyard {service.version}",
                REVISION: plan.revision,
                VERSION: service.version,
            },
        },
    }
    return {"target": {"kind": "Deployment", "name": service.name}, "patch": json.dumps(patch)}
