"""A service of the monorepo, as its `service.yaml` describes it."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a service is made with; it decides which tools check it and how its image is made."""

    PYTHON = "python"
    NODE = "node"
    ANGULAR = "angular"
    DOCKERFILE = "dockerfile"


class Strategy(StrEnum):
    """How a new version replaces the old one."""

    ROLLING = "rolling"


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
    strategy: Strategy
    dependencies: tuple[str, ...]
    image: ImageRecipe

    @property
    def path(self) -> str:
        """Where the service lies in the repository."""
        return f"services/{self.name}"

    @property
    def manifests(self) -> str:
        """Where its manifests lie in the repository."""
        return f"manifests/apps/{self.name}"
