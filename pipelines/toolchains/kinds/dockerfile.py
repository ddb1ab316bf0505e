"""Services with a Dockerfile and nothing else that Shipyard knows."""

import dagger

from pipelines.toolchains import python
from pipelines.toolchains.kinds.toolchain import HOME, Toolchain


class Dockerfile(Toolchain):
    """No tool reads what is inside; what any service's Dockerfile, files and image are asked is asked here too."""

    def workshop(self, files: dagger.Directory, fresh: str) -> dagger.Container:
        """Give a container without tools."""
        del files, fresh
        return python.base()

    def at_hand(self, workshop: dagger.Container, files: dagger.Directory) -> dagger.Container:
        """Mount the files."""
        return workshop.with_mounted_directory(HOME, files)
