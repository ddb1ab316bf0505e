"""Ingress objects for tests."""

from __future__ import annotations

from drydock.cluster.ingress.options import PREFIX

Path = tuple[str, str, str]
"""Path, pathType, and the Service's name."""


def backend(service: str) -> dict:
    return {"service": {"name": service, "port": {"number": 80}}}


def rule(host: str, *paths: Path) -> dict:
    found = [{"path": path, "pathType": kind, "backend": backend(to)} for path, kind, to in paths]
    return {**({"host": host} if host else {}), "http": {"paths": found}}


def ingress(name: str, *rules: dict, default: str = "", age: int = 0, **annotations: str) -> dict:
    """Make an Ingress; `age` in seconds, annotations with _ for -."""
    spec: dict = {"rules": list(rules)} if rules else {}
    if default:
        spec["defaultBackend"] = backend(default)
    named = {PREFIX + key.replace("_", "-"): text for key, text in annotations.items()}
    created = f"2026-11-22T10:00:{59 - age:02}Z"
    meta = {"name": name, "namespace": "default", "creationTimestamp": created}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {**meta, "annotations": named},
        "spec": spec,
    }


def sample(name: str) -> dict:
    """Make an Ingress that takes its prefix off."""
    path = (f"/{name}(/|$)(.*)", "ImplementationSpecific", name)
    return ingress(
        name,
        rule("", path),
        use_regex="true",
        rewrite_target="/$2",
        x_forwarded_prefix=f"/{name}",
    )
