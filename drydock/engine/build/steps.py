"""Calls the containers' own resolvers, one call of the API per step of a build."""

from __future__ import annotations

import dataclasses
import inspect
from typing import TYPE_CHECKING, Any, cast

from drydock.engine.coerce import Coercer, literal
from drydock.engine.field import REGISTRY, Call, graphql_type, snake_case
from drydock.engine.lazy import digest_of

if TYPE_CHECKING:
    from drydock.engine.types.container import Container


class Steps:
    """Makes calls below one call; each has an id of its own."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self._count = 0

    def next_call(self) -> Call:
        """Return a call for one more step."""
        self._count += 1
        return dataclasses.replace(self.call, id=digest_of(self.call.id, self._count))

    async def do(self, parent: Any, name: str, /, **given: Any) -> Any:
        """Return what a field of an object answers; absent arguments have the schema's defaults."""
        type_name = graphql_type(parent)
        schema = self.call.client.schema.schema
        definition = schema.field(type_name, name)
        if definition is None:
            raise TypeError(f"no field {type_name}.{name}")
        coercer = Coercer(schema, self.call.runtime.nodes)
        arguments: dict[str, Any] = {}
        for argument in definition.args.values():
            key = snake_case(argument.name)
            if key in given:
                arguments[key] = given.pop(key)
            elif argument.default is None:
                arguments[key] = None
            else:
                default = literal(argument.default)
                arguments[key] = coercer.argument(name, argument, default)
        if given:
            raise TypeError(f"{type_name}.{name} has no arguments {sorted(given)}")
        resolve = REGISTRY[f"{type_name}.{name}"].resolve
        answer = resolve(parent, self.next_call(), **arguments)
        return await answer if inspect.isawaitable(answer) else answer

    async def container(self, parent: Any, name: str, /, **given: Any) -> Container:
        """Return the container that a field answers with."""
        return cast("Container", await self.do(parent, name, **given))
