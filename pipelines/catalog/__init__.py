"""The catalogue: which services and environments a repository has.

Reads `services/*/service.yaml`, `manifests/environments/*/environment.yaml` and, where there are any,
`manifests/monitoring/slo/*.yaml`, nothing else, so that it works on any repository that follows these conventions.
"""

from pipelines.catalog.catalog import Catalog, NotShippedError, UnknownNameError, read_catalog
from pipelines.catalog.document import Document, DocumentError

__all__ = [
    "Catalog",
    "Document",
    "DocumentError",
    "NotShippedError",
    "UnknownNameError",
    "read_catalog",
]
