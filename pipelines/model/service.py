"""A service of the monorepo, as its `service.yaml` describes it."""

from dataclasses import dataclass
from enum import StrEnum

from pipelines.model.delivery import Delivery, Strategy


class Kind(StrEnum):
    """What a service is made with; it decides which tools check it and how its image is made."""

    PYTHON = "python"
    NODE = "node"
    ANGULAR = "angular"
    DOCKERFILE = "dockerfile"


@dataclass(frozen=True, kw_only=True)
class Probes:
    """Paths that answer 2xx: `health` while the process works, `ready` while it wants traffic."""

    health: str
    ready: str


@dataclass(frozen=True, kw_only=True)
class ImageRecipe:
    """What makes a service's image: Debian packages below, dependencies above, the service on top.

    A service with a Dockerfile only has nothing but the first three; the Dockerfile says the rest.
    """

    repository: str
    title: str
    description: str
    packages: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    healthcheck: tuple[str, ...] = ()
    stop_signal: str = "SIGTERM"
    environment: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Service:
    """One folder below `services/`; `dependencies` are the services that it needs, directly or not."""

    name: str
    kind: Kind
    port: int
    probes: Probes
    coverage: int
    dependencies: tuple[str, ...]
    image: ImageRecipe
    delivery: Delivery

    @property
    def path(self) -> str:
        """Where the service lies in the repository."""
        return f"services/{self.name}"

    @property
    def file(self) -> str:
        """Where its description lies in the repository."""
        return f"{self.path}/service.yaml"

    @property
    def strategy(self) -> Strategy:
        """How a new version replaces the old one, where no environment overrides it."""
        return self.delivery.strategy

    @property
    def manifests(self) -> str:
        """Where its manifests lie in the repository."""
        return f"manifests/apps/{self.name}"
