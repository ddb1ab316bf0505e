"""`Container`: files, mounts, configuration and the last command of a container, as one immutable value.

The resolvers are spread over container_*.py by idea; each returns a changed copy. Files and commands are lazy: a Container
is cheap until somebody asks for its `rootfs` or the result of its `last` command.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from dataclasses import field as attribute
from typing import TYPE_CHECKING, Any, ClassVar

from drydock.engine.errors import EngineError
from drydock.engine.field import Call, field
from drydock.engine.lazy import Lazy
from drydock.engine.process.config import Config
from drydock.engine.process.mounts import Mount
from drydock.engine.process.platform import DEFAULT_PLATFORM
from drydock.engine.process.results import Executed
from drydock.engine.process.secret_store import Secret
from drydock.runtime.image import Image
from drydock.runtime.snapshot import Snapshot

if TYPE_CHECKING:
    from drydock.engine.types.service import Service


@dataclass(frozen=True)
class Container:
    """An immutable container."""

    graphql_type: ClassVar[str] = "Container"

    rootfs: Lazy[Snapshot]
    platform: str = DEFAULT_PLATFORM
    config: Config = attribute(default_factory=Config)
    mounts: tuple[Mount, ...] = ()
    secret_variables: tuple[tuple[str, Secret], ...] = ()
    volatile_variables: tuple[tuple[str, str], ...] = ()
    services: tuple[tuple[str, Service], ...] = ()  # alias, service
    last: Lazy[Executed] | None = None
    image_ref: str = ""  # only directly after `from`
    base: Image | None = None  # whose layers a published image starts with

    def changed(self, **changes: Any) -> Container:
        """Return a copy with changes, which is no longer the image it came from."""
        return dataclasses.replace(self, **{"image_ref": "", **changes})

    def configured(self, config: Config) -> Container:
        """Return a copy with another configuration."""
        return self.changed(config=config)

    def text(self, text: str, *, expand: bool) -> str:
        """Return an argument, expanded if the caller asked for that.

        EngineError if it names a secret variable: its value must not become part of a path or of an argument.
        """
        if not expand:
            return text
        for name, _ in self.secret_variables:
            if self.config.expand(text) != _with_marker(self.config, name).expand(text):
                raise EngineError(f'expand cannot be used with secret env variable "{name}"')
        return self.config.expand(text)

    async def evaluate(self) -> None:
        """Run what is needed for this container; errors of its commands come out here."""
        await self.rootfs.get()
        if self.last is not None:
            await self.last.get()


def _with_marker(config: Config, name: str) -> Config:
    return config.with_variable(name, "\0")


@field("Query.container")
async def container(_: object, call: Call, *, platform: str | None) -> Container:
    """Return an empty container."""
    empty = call.runtime.snapshots.empty
    return Container(rootfs=Lazy.ready("empty", empty), platform=platform or DEFAULT_PLATFORM)


@field("Query.defaultPlatform", quiet=True)
async def default_platform(_: object, __: Call) -> str:
    """Return the platform of this machine."""
    return DEFAULT_PLATFORM


@field("Container.sync")
async def sync(self: Container, _: Call) -> Container:
    """Run everything, return the container itself."""
    await self.evaluate()
    return self


@field("Container.withError")
async def with_error(self: Container, _: Call, *, err: str) -> Container:
    """Fail with a text, unless it is empty."""
    if err:
        raise EngineError(err)
    return self
