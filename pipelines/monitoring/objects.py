"""What a cluster takes: the rules as PrometheusRule objects, and a kustomization that brings them with the dashboards."""

from collections.abc import Iterable

from pipelines.monitoring.rules import Group

PART_OF = {"app.kubernetes.io/part-of": "shipyard"}
SIDECAR = {"grafana_dashboard": "1"}
"""The label by which the side-car of Grafana's chart finds dashboards."""


def prometheus_rule(service: str, groups: list[Group]) -> dict[str, object]:
    """Wrap the groups of a rule file for the Prometheus operator."""
    labels = {"app.kubernetes.io/name": service, **PART_OF}
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": f"slo-{service}", "labels": labels},
        "spec": {"groups": groups},
    }


def kustomization(rules: Iterable[str], dashboards: Iterable[str]) -> dict[str, object]:
    """Bring rules and dashboards together; paths are relative to the kustomization's folder."""
    return {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": list(rules),
        "configMapGenerator": [{"name": "slo-dashboards", "files": list(dashboards)}],
        "generatorOptions": {"labels": {**PART_OF, **SIDECAR}, "disableNameSuffixHash": True},
    }
