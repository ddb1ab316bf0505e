"""A service on its workbench: its tools installed, its files at hand, each stage given only what it reads."""

from dataclasses import dataclass

import dagger

from pipelines.model import Service
from pipelines.toolchains import python

CODE = ["**/*.py", "**/*.pyi"]
SETTINGS = ["pyproject.toml", "setup.cfg", "tox.ini", ".flake8", "mypy.ini"]


@dataclass(frozen=True)
class Workbench:
    """The container with the tools, and the service's folder. `fresh` makes the tools run anew."""

    service: Service
    tools: dagger.Container
    files: dagger.Directory
    fresh: str

    def container(self, *include: str) -> dagger.Container:
        """Put the service's files, or those that match, before the tools."""
        files = self.files.filter(include=list(include)) if include else self.files
        container = self.tools.with_mounted_directory(python.HOME, files)
        return (
            container.with_env_variable("SHIPYARD_FRESH", self.fresh) if self.fresh else container
        )


async def set_up(service: Service, files: dagger.Directory, fresh: str) -> Workbench:
    """Install the service's tools; every stage of the service then starts from the same container."""
    return Workbench(service, await python.with_tools(files).sync(), files, fresh)
