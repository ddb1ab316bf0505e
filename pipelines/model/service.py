"""A service of the monorepo, as its `service.yaml` describes it."""

from dataclasses import dataclass
from enum import StrEnum


class Language(StrEnum):
    """The languages that Shipyard has stages for."""

    PYTHON = "python"


@dataclass(frozen=True, kw_only=True)
class ImageRecipe:
    """What makes a service's image: Debian packages below, dependencies above, the service on top."""

    repository: str
    title: str
    description: str
    packages: tuple[str, ...]
    files: tuple[str, ...]
    entrypoint: tuple[str, ...]
    command: tuple[str, ...]
    environment: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class Service:
    """One folder below `services/`."""

    name: str
    language: Language
    port: int
    health: str
    coverage: int
    image: ImageRecipe

    @property
    def path(self) -> str:
        """Where the service lies in the repository."""
        return f"services/{self.name}"
