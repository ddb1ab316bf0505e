"""The AppProject: what the Applications of this repository may read, and where and what they may write.

Everything that is not listed is refused: other repositories, other namespaces, objects of the cluster, and kinds that no overlay holds.
"""

from collections.abc import Iterable

Obj = dict[str, object]
PROJECT, NAMESPACE = "shipyard", "argocd"
SERVER = "https://kubernetes.default.svc"
PART_OF = {"app.kubernetes.io/part-of": "shipyard"}
KINDS = (
    ("", "ConfigMap"),
    ("", "LimitRange"),
    ("", "ResourceQuota"),
    ("", "Service"),
    ("", "ServiceAccount"),
    ("apps", "Deployment"),
    ("networking.k8s.io", "Ingress"),
    ("networking.k8s.io", "NetworkPolicy"),
    ("policy", "PodDisruptionBudget"),
)
"""Kinds of the overlays and their components; a test renders them all and compares."""


def project(repositories: Iterable[str], namespaces: Iterable[str]) -> Obj:
    """Make the project."""
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AppProject",
        "metadata": {"name": PROJECT, "namespace": NAMESPACE, "labels": PART_OF},
        "spec": {
            "description": "The services of this repository, in the namespaces of its environments.",
            "sourceRepos": sorted(set(repositories)),
            "destinations": [
                {"server": SERVER, "namespace": namespace} for namespace in sorted(set(namespaces))
            ],
            "clusterResourceWhitelist": [],
            "namespaceResourceWhitelist": [{"group": group, "kind": kind} for group, kind in KINDS],
            "roles": [
                {
                    "name": "deployer",
                    "description": "Looks at the Applications and syncs them; changes none.",
                    "policies": [
                        f"p, proj:{PROJECT}:deployer, applications, {verb}, {PROJECT}/*, allow"
                        for verb in ("get", "sync")
                    ],
                }
            ],
        },
    }
