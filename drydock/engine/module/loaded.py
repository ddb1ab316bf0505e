"""A module that is ready to be called: where it is from, its types, what it depends on."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from drydock.engine.module.environment import Project
from drydock.engine.module.naming import camel, pascal
from drydock.engine.module.source import ModuleSource
from drydock.engine.module.typedefs import ModuleTypes, ObjectTypeDef
from drydock.engine.module.user_defaults import UserDefaults

if TYPE_CHECKING:
    from pathlib import Path

    from drydock.engine.field import Call
    from drydock.engine.session import SessionSchema


@dataclass(frozen=True, eq=False)
class LoadedModule:
    """One loaded module. `digest` covers its source and everything it depends on."""

    graphql_type: ClassVar[str] = "Module"
    source: ModuleSource
    digest: str
    types: ModuleTypes
    project: Project = field(default_factory=Project)
    dependencies: tuple[LoadedModule, ...] = ()
    packages: tuple[Path, ...] = ()
    user_defaults: UserDefaults = field(default_factory=lambda: UserDefaults(""))

    @property
    def name(self) -> str:
        """The name in dagger.json."""
        return self.source.config.name

    @property
    def description(self) -> str:
        """The docstring of the Python module with the main object."""
        return self.types.description

    @cached_property
    def main(self) -> ObjectTypeDef:
        """The main object's type."""
        found = self.types.object(pascal(self.name))
        return found or ObjectTypeDef(pascal(self.name), original=pascal(self.name))

    @property
    def field(self) -> str:
        """The name of its constructor in the API."""
        return camel(self.name)

    @property
    def identity(self) -> Any:
        """Be named by its source."""
        from drydock.engine.field import Identity

        return Identity("Query.__module", {"ref": str(self.source.root)})

    async def inner_schema(self, call: Call) -> SessionSchema:
        """Return the schema that the module's own functions see: no host, and its dependencies.

        Its own types are there too, so that its functions can load what other ones made.
        """
        from drydock.engine.module.sdl import (
            extend,
            with_types,
            without_host,
        )
        from drydock.engine.session import SessionSchema

        schema = without_host(SessionSchema(call.runtime.schema))
        for dependency in self.dependencies:
            schema = extend(schema, dependency, entrypoint=False)
        return with_types(schema, self)

    def bindings(self) -> tuple[Any, ...]:
        """Return the types of its dependencies as the function's client needs them."""
        from drydock.engine.module.describe import describe_module

        return tuple(describe_module(dependency) for dependency in self.dependencies)
