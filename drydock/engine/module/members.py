"""Functions of a module that are found by their kind: checks, generators, services.

Found by walking from the main object over functions without required arguments; `quality:style` is the function `style` of
what `quality` returns. Used by `checks.py`, `generators.py` and `services.py`.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from drydock.engine.ask import ask
from drydock.engine.field import Call
from drydock.engine.module.loaded import LoadedModule
from drydock.engine.module.naming import kebab
from drydock.engine.module.sdl import extend
from drydock.engine.module.typedefs import Function, ObjectTypeDef


@dataclass(frozen=True)
class Member:
    """A function found by its kind: the way to it from the main object."""

    module: LoadedModule
    functions: tuple[Function, ...]

    @property
    def name(self) -> str:
        """Its name as people write it: `workshop:quality:style`."""
        return ":".join([self.module.name, *self.path])

    @property
    def path(self) -> list[str]:
        """Its name's parts below the module."""
        return [kebab(function.name) for function in self.functions]

    @property
    def function(self) -> Function:
        """The function itself."""
        return self.functions[-1]

    @property
    def original_module(self) -> LoadedModule:
        """The module that defines it."""
        return self.module

    @property
    def description(self) -> str:
        """Its text."""
        return self.function.description

    def matches(self, patterns: Sequence[str] | None) -> bool:
        """Return whether any pattern names it or something above it; no pattern names all."""
        if not patterns:
            return True
        names = [self.name, ":".join(self.path)]
        return any(
            fnmatch.fnmatchcase(name, pattern) or name.startswith(f"{pattern}:")
            for pattern in patterns
            for name in names
        )

    def query(self, leaf: str) -> str:
        """Return the query that calls it."""
        text = leaf
        for function in reversed(self.functions):
            text = f"{function.name} {{ {text} }}" if text else function.name
        return f"{{ {self.module.field} {{ {text} }} }}"

    async def call(self, call: Call, leaf: str) -> Any:
        """Call it for the session's own client; return the field `leaf` of what it returns, or its plain result."""
        client = call.session.client
        if client.schema.schema.field("Query", self.module.field) is None:
            client.schema = extend(client.schema, self.module, entrypoint=True)
        data = await ask(client, self.query(leaf))
        for name in [self.module.field, *(function.name for function in self.functions)]:
            data = data[name]
        return data[leaf] if leaf else data


def members(module: LoadedModule, kind: str) -> Iterator[Member]:
    """Yield the functions of a kind (check, generator, up), in the order of their names."""
    found = list(_walk(module, module.main, (), kind, frozenset({module.main.name})))
    yield from sorted(found, key=lambda member: member.name)


def _walk(
    module: LoadedModule,
    definition: ObjectTypeDef,
    way: tuple[Function, ...],
    kind: str,
    seen: frozenset[str],
) -> Iterator[Member]:
    for function in definition.functions:
        if any(arg.required for arg in function.args):
            continue
        if getattr(function, kind):
            yield Member(module, (*way, function))
            continue
        below = module.types.object(function.return_type.name)
        if function.return_type.as_object is not None and below and below.name not in seen:
            yield from _walk(module, below, (*way, function), kind, seen | {below.name})
