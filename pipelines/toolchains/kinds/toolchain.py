"""What every kind of service must be able to tell the stages."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import dagger

HOME = "/service"
"""Where a service's files lie in a container with its tools."""
REPORTS = "/reports"
"""Where tools write report files: junit.xml, coverage.xml (Cobertura), lcov.info, NAME.sarif."""
BUNDLE = "/dist/public"
"""Where a production build leaves what is served; it goes to /app/public in the image."""


@dataclass(frozen=True)
class Check:
    """The commands of a stage, run side by side in a service's folder.

    `reads` are patterns of the files that count, all when empty: a change of others leaves the answer
    as it is. `cache` is where a tool keeps what it learned for the next run.
    """

    commands: tuple[tuple[str, ...], ...]
    reads: tuple[str, ...] = ()
    cache: str = ""


class Toolchain(ABC):
    """The tools of one kind of service."""

    locks: ClassVar[tuple[str, ...]] = ()
    """Files that decide what is installed."""
    checks: ClassVar[Mapping[str, Check]] = {}
    """What the stages `format`, `lint`, `types` and `test` run; a kind without a tool leaves one out."""
    fix: ClassVar[Check | None] = None
    """What writes the files as `format` wants them, one command after the other."""
    compiles: ClassVar[bool] = False
    """Whether the tests need code whose types fit."""
    environment: ClassVar[Mapping[str, str]] = {}
    """Variables that every image of this kind has; the service's own win."""

    @abstractmethod
    def workshop(self, files: dagger.Directory, fresh: str) -> dagger.Container:
        """Give a container with the tools that the locks name; other files do not count."""

    @abstractmethod
    def at_hand(self, workshop: dagger.Container, files: dagger.Directory) -> dagger.Container:
        """Put files of the service before its tools."""

    def bundle(self) -> Check | None:
        """Name the production build, whose result lies in `BUNDLE`; None when there is nothing to build."""
        return None

    def layers(
        self, files: dagger.Directory, builder: dagger.Container
    ) -> Mapping[str, dagger.Directory]:
        """Give what lies between Debian's packages and the service's own files in the image, by name."""
        del files, builder
        return {}
