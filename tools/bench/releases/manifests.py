"""The manifests of the bench: two equal services, one delivered blue-green and one rolling."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

NAMESPACE = "bench"
SHOP, MILL = "shop", "mill"
PORT, REPLICAS = 8000, 3
Obj = dict[str, Any]


def overlay(folder: Path) -> Path:
    """Write the overlay; JSON is YAML too."""
    folder.mkdir()
    files = []
    for name in (SHOP, MILL):
        for each in (_deployment(name), _service(name), _ingress(name), _budget(name)):
            file = f"{name}-{each['kind'].lower()}.yaml"
            (folder / file).write_text(json.dumps(each))
            files.append(file)
    kustomization = {"namespace": NAMESPACE, "resources": files}
    (folder / "kustomization.yaml").write_text(json.dumps(kustomization))
    return folder


def _metadata(name: str) -> Obj:
    return {"name": name, "labels": {"app.kubernetes.io/name": name}}


def _deployment(name: str) -> Obj:
    labels = {"app.kubernetes.io/name": name}
    probe = {"httpGet": {"path": "/ready", "port": "http"}, "periodSeconds": 1}
    container = {
        "name": name,
        "image": name,
        "ports": [{"name": "http", "containerPort": PORT}],
        "readinessProbe": probe,
        "lifecycle": {"preStop": {"sleep": {"seconds": 3}}},
        "resources": {"requests": {"cpu": "20m", "memory": "32Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }
    pod = {
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 30,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 10001,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": _metadata(name),
        "spec": {
            "replicas": REPLICAS,
            "strategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }


def _service(name: str) -> Obj:
    port = {"name": "http", "port": PORT, "targetPort": "http"}
    spec = {"selector": {"app.kubernetes.io/name": name}, "ports": [port]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": _metadata(name), "spec": spec}


def _ingress(name: str) -> Obj:
    backend = {"service": {"name": name, "port": {"name": "http"}}}
    path = {"path": f"/{name}", "pathType": "Prefix", "backend": backend}
    notes = {"nginx.ingress.kubernetes.io/ssl-redirect": "false"}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {**_metadata(name), "annotations": notes},
        "spec": {"ingressClassName": "nginx", "rules": [{"http": {"paths": [path]}}]},
    }


def _budget(name: str) -> Obj:
    selector = {"matchLabels": {"app.kubernetes.io/name": name}}
    spec = {"maxUnavailable": 1, "selector": selector}
    api = "policy/v1"
    return {
        "apiVersion": api,
        "kind": "PodDisruptionBudget",
        "metadata": _metadata(name),
        "spec": spec,
    }
