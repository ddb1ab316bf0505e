"""What can go wrong below the engine and the cluster, as a small tree of errors.

    RuntimeFault
    +-- MissingProgram      a host program is not installed; names its Debian package
    +-- CommandNotFound     the container's command does not exist
    +-- NotExecutable       it exists, but the kernel would refuse to run it
    +-- SetupFailed         the container could not be put together
    +-- SnapshotGone        a snapshot was pruned
    +-- ImageFault          an image could not be named, read, fetched or made
        +-- InvalidReference
        +-- ImageNotFound
        +-- RegistryFault
            +-- RegistryUnreachable
            +-- AuthenticationFailed

The text of an error is one sentence on what happened, followed by the next step when there is one.
"""

from __future__ import annotations


class RuntimeFault(Exception):  # noqa: N818 - the word of the contract for all below
    """Something the runtime could not do; the text is fit to be shown to a person."""


class MissingProgram(RuntimeFault):
    """A program that the runtime drives is not installed."""

    def __init__(self, program: str, package: str) -> None:
        super().__init__(
            f"{program} is not installed on this machine. Install it: apt-get install {package}"
        )
        self.program = program
        self.package = package


class CommandNotFound(RuntimeFault):
    """The command of a container does not exist; the text is what a real engine prints."""

    def __init__(self, command: str, message: str) -> None:
        super().__init__(message)
        self.command = command


class NotExecutable(RuntimeFault):
    """The command of a container cannot be executed; the text is what a real engine prints."""

    def __init__(self, command: str, message: str) -> None:
        super().__init__(message)
        self.command = command


class SetupFailed(RuntimeFault):
    """The container could not be put together (mounts, namespaces, working directory)."""


class SnapshotGone(RuntimeFault):
    """A snapshot that somebody still names was pruned."""

    def __init__(self, snapshot: str) -> None:
        super().__init__(f"snapshot {snapshot} was pruned; whatever made it has to run again")
        self.snapshot = snapshot


class ImageFault(RuntimeFault):
    """An image could not be named, read, fetched or made."""


class InvalidReference(ImageFault):
    """A text is not the name of an image."""


class ImageNotFound(ImageFault):
    """No registry, mirror or recipe has the image."""


class RegistryFault(ImageFault):
    """A registry answered something other than what was asked for."""

    def __init__(self, message: str, *, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class RegistryUnreachable(RegistryFault):
    """A registry did not answer at all."""


class AuthenticationFailed(RegistryFault):
    """A registry refused the credentials, or none were given."""
