"""Manifests that are made from the catalogue, all of them: for monitoring and for Argo CD.

Called by `tools/generate_manifests.py` and by the function `derived`. Both also remove what matches OWNED and is not among
the files: that is what a service or an environment left behind.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pipelines import argocd, monitoring
from pipelines.catalog import Catalog
from pipelines.catalog.addresses import Addresses

__all__ = ["OWNED", "Generated", "generate"]

OWNED = (
    f"{monitoring.FOLDER}/rules/*.yaml",
    f"{monitoring.FOLDER}/objects/*.yaml",
    f"{monitoring.FOLDER}/dashboards/*.json",
    f"{argocd.FOLDER}/applications/*.yaml",
)


@dataclass(frozen=True)
class Generated:
    """Texts by their paths in the repository: `files` are as they must be, `stubs` only where there is no file yet."""

    files: Mapping[str, str]
    stubs: Mapping[str, str]


def generate(catalog: Catalog, addresses: Addresses) -> Generated:
    """Make every manifest that nobody writes by hand."""
    files = {
        **monitoring.generate(catalog.slos.values(), addresses),
        **argocd.generate(catalog, addresses),
    }
    return Generated(files, monitoring.runbooks() if catalog.slos else {})
