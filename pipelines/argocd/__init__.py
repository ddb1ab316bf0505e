"""Argo CD: the project and the Applications of a repository's environments, made from its catalogue.

`generate` is the public face. Pure: the same catalogue always gives the same bytes.
"""

from pipelines.argocd.application import application, source_of
from pipelines.argocd.project import PROJECT, project
from pipelines.catalog import Catalog
from pipelines.catalog.addresses import Addresses
from pipelines.generated import yaml_text

__all__ = ["FOLDER", "generate"]

FOLDER = "manifests/argocd"
ORIGIN = "the services, the environments and manifests/addresses.yaml"


def generate(catalog: Catalog, addresses: Addresses) -> dict[str, str]:
    """Make the texts by their paths: nothing for environments whose registry is on one machine only."""
    files: dict[str, str] = {}
    environments = [
        each for _, each in sorted(catalog.environments.items()) if not each.registry_is_local
    ]
    if not environments:
        return files
    repositories = (source_of(each, addresses).repository for each in environments)
    made = project(repositories, (each.namespace for each in environments))
    files[f"{FOLDER}/project.yaml"] = yaml_text(made, ORIGIN)
    resources = ["project.yaml"]
    for each in environments:
        text = yaml_text(application(each, catalog.shipped(each), addresses), ORIGIN)
        resources.append(f"applications/{PROJECT}-{each.name}.yaml")
        files[f"{FOLDER}/{resources[-1]}"] = text
    files[f"{FOLDER}/kustomization.yaml"] = yaml_text(
        {
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "resources": resources,
        },
        ORIGIN,
    )
    return files
