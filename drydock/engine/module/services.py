"""Services of `dagger up`: functions that return a service, run with their ports on the host."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from drydock.engine.field import Call, attributes, field
from drydock.engine.module.loaded import LoadedModule
from drydock.engine.module.members import Member, members


@dataclass(frozen=True)
class Up(Member):
    """A service of `dagger up`."""

    graphql_type: ClassVar[str] = "Up"

    async def run(self, call: Call) -> Up:
        """Start it and forward its ports until the asker leaves."""
        span = call.span.child(self.name)
        with span.active():
            await self.call(call, "up")
        return self


@dataclass(frozen=True)
class UpGroup:
    """Several services."""

    graphql_type: ClassVar[str] = "UpGroup"
    list: tuple[Up, ...]


attributes("Up", "name", "path", "description", "originalModule")
attributes("UpGroup", "list")


@field("Module.services", quiet=True)
def module_services(
    self: LoadedModule, _call: Call, *, include: Sequence[str] | None = None
) -> UpGroup:
    """List the module's services."""
    found = [Up(self, member.functions) for member in members(self, "up")]
    return UpGroup(tuple(item for item in found if item.matches(include)))


@field("Up.run", memo=False, quiet=True)
async def run_up(self: Up, call: Call) -> Up:
    """Start the service and stay."""
    return await self.run(call)


@field("UpGroup.run", memo=False, quiet=True)
async def run_ups(self: UpGroup, call: Call) -> UpGroup:
    """Start the services and stay."""
    await asyncio.gather(*(item.run(call) for item in self.list))
    return self
