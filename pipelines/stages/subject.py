"""What a stage is about: one service in its repository."""

from dataclasses import dataclass

import dagger

from pipelines.model import Service
from pipelines.toolchains.kinds import Toolchain, toolchain_of


@dataclass(frozen=True)
class Subject:
    """A service, the repository that it lies in, and the nonce of a fresh run (empty: the cache is believed)."""

    service: Service
    repository: dagger.Directory
    fresh: str = ""

    @property
    def files(self) -> dagger.Directory:
        """The service's folder."""
        return self.repository.directory(self.service.path)

    @property
    def toolchain(self) -> Toolchain:
        """The tools of the service's kind."""
        return toolchain_of(self.service.kind)
