"""A place that services are delivered to, as its `environment.yaml` describes it."""

from dataclasses import dataclass
from enum import StrEnum

from pipelines.model.service import Service

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})


class Advisories(StrEnum):
    """What knowledge of vulnerabilities suffices, from the most to the least.

    DATABASE is Trivy's own. ARCHIVE is made from Debian's security archive where that one cannot be
    had: it knows fixed vulnerabilities of Debian packages only. With OPTIONAL a scan may go unmade.
    """

    DATABASE = "database"
    ARCHIVE = "archive"
    OPTIONAL = "optional"


@dataclass(frozen=True, kw_only=True)
class Environment:
    """One folder below `manifests/environments/`; the folder is also its kustomize overlay."""

    name: str
    namespace: str
    services: tuple[str, ...]
    registry: str
    url: str
    rollout_seconds: int
    pull_secret: str | None
    advisories: Advisories

    @property
    def path(self) -> str:
        """Where the overlay lies in the repository."""
        return f"manifests/environments/{self.name}"

    @property
    def registry_host(self) -> str:
        """The registry without the path that images are kept under, e.g. `localhost:5000`."""
        return self.registry.partition("/")[0]

    @property
    def registry_is_local(self) -> bool:
        """Whether the registry listens on this machine only, where no container can see it."""
        return self.registry_host.rpartition(":")[0] in _LOOPBACK

    def repository(self, service: Service) -> str:
        """Name a service's image in the registry; registries refuse upper case."""
        return f"{self.registry}/{service.image.repository}".lower()
