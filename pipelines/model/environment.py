"""A place that services are delivered to, as its `environment.yaml` describes it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pipelines.model.delivery import Delivery
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


class Approval(StrEnum):
    """Whether somebody has to say yes before anything new gets in."""

    NONE = "none"
    REQUIRED = "required"


class Mode(StrEnum):
    """How what is wanted gets into the cluster: written by the delivery, or committed for others to apply."""

    APPLY = "apply"
    GITOPS = "gitops"


@dataclass(frozen=True, kw_only=True)
class GitOps:
    """Where the wanted state is kept: a git repository, its branch, and the environment's folder in it."""

    repository: str
    branch: str
    folder: str

    @property
    def values(self) -> dict[str, str]:
        """The same as the plan has it."""
        return {"repository": self.repository, "branch": self.branch, "folder": self.folder}


@dataclass(frozen=True, kw_only=True)
class Environment:
    """One folder below `manifests/environments/`; the folder is also its kustomize overlay.

    `refs` are patterns of what may be shipped here, `deployers` who may; none of them means anything and
    anyone. `prometheus` is an address, or empty.
    """

    name: str
    namespace: str
    services: tuple[str, ...]
    registry: str
    url: str
    rollout_seconds: int
    pull_secret: str | None
    advisories: Advisories
    overrides: Mapping[str, Delivery] = field(default_factory=dict, hash=False)
    refs: tuple[str, ...] = ()
    approval: Approval = Approval.NONE
    deployers: tuple[str, ...] = ()
    prometheus: str = ""
    mode: Mode = Mode.APPLY
    gitops: GitOps | None = None

    @property
    def path(self) -> str:
        """Where the overlay lies in the repository."""
        return f"manifests/environments/{self.name}"

    @property
    def file(self) -> str:
        """Where its settings lie in the repository."""
        return f"{self.path}/environment.yaml"

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

    def delivery(self, service: Service) -> Delivery:
        """Tell how a service is delivered here: as its own file says, with this environment's overrides."""
        return service.delivery.overridden(self.overrides.get(service.name, Delivery()))
