"""Generators: functions that return what they would change in the caller's files."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from drydock.engine.ask import ask, load
from drydock.engine.field import Call, attributes, field
from drydock.engine.module.loaded import LoadedModule
from drydock.engine.module.members import Member, members


@dataclass(frozen=True)
class Generator(Member):
    """A generator, and what it would change (an id, once it ran)."""

    graphql_type: ClassVar[str] = "Generator"
    changeset: str = ""

    @property
    def completed(self) -> bool:
        """Whether it ran."""
        return bool(self.changeset)

    async def run(self, call: Call) -> Generator:
        """Run it below a span of its own."""
        span = call.span.child(self.name)
        with span.active():
            return replace(self, changeset=str(await self.call(call, "id")))


@dataclass(frozen=True)
class GeneratorGroup:
    """Several generators."""

    graphql_type: ClassVar[str] = "GeneratorGroup"
    list: tuple[Generator, ...]


attributes("Generator", "name", "path", "description", "completed", "originalModule")
attributes("GeneratorGroup", "list")


@field("Module.generators", quiet=True)
def module_generators(
    self: LoadedModule, _call: Call, *, include: Sequence[str] | None = None
) -> GeneratorGroup:
    """List the module's generators."""
    found = [Generator(self, member.functions) for member in members(self, "generator")]
    return GeneratorGroup(tuple(item for item in found if item.matches(include)))


@field("Generator.run", memo=False, quiet=True)
async def run_generator(self: Generator, call: Call) -> Generator:
    """Run the generator."""
    return await self.run(call)


@field("Generator.changes", memo=False, quiet=True)
async def generator_changes(self: Generator, call: Call) -> Any:
    """Return what it changes."""
    ran = self if self.completed else await self.run(call)
    return await load(call.session.client, ran.changeset)


@field("Generator.isEmpty", memo=False, quiet=True)
async def generator_is_empty(self: Generator, call: Call) -> bool:
    """Return whether it changes nothing."""
    return bool(await self.call(call, "isEmpty"))


@field("GeneratorGroup.run", memo=False, quiet=True)
async def run_generators(self: GeneratorGroup, call: Call) -> GeneratorGroup:
    """Run the generators side by side."""
    return GeneratorGroup(tuple(await asyncio.gather(*(item.run(call) for item in self.list))))


@field("GeneratorGroup.changes", memo=False, quiet=True)
async def group_changes(self: GeneratorGroup, call: Call, *, on_conflict: str | None = None) -> Any:
    """Return all changes as one changeset."""
    ran = await asyncio.gather(*(_ran(item, call) for item in self.list))
    client = call.session.client
    if not ran:
        data = await ask(client, "{ changeset { id } }")
        return await load(client, data["changeset"]["id"])
    first, *others = [item.changeset for item in ran]
    if not others:
        return await load(client, first)
    data = await ask(
        client,
        "query($id: ID!, $others: [ID!]!, $rule: ChangesetsMergeConflict) { node(id: $id) "
        "{ ... on Changeset { withChangesets(changes: $others, onConflict: $rule) { id } } } }",
        {"id": first, "others": others, "rule": on_conflict or "FAIL_EARLY"},
    )
    return await load(client, data["node"]["withChangesets"]["id"])


async def _ran(item: Generator, call: Call) -> Generator:
    return item if item.completed else await item.run(call)


@field("GeneratorGroup.isEmpty", memo=False, quiet=True)
async def group_is_empty(self: GeneratorGroup, call: Call) -> bool:
    """Return whether none changes anything."""
    return all(await asyncio.gather(*(item.call(call, "isEmpty") for item in self.list)))
