"""Values of a module: its objects as the API holds them, and JSON to and from the functions.

A function gets and gives JSON: own objects as their attributes, everything else by id, enum members by their Python name.
The API holds own objects as a `ModuleObject`, whose id is digest of module, type and state, so it is the same whoever
made it and loads in every session.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from drydock.engine.ask import load
from drydock.engine.errors import EngineError
from drydock.engine.field import Identity
from drydock.engine.module.typedefs import EnumTypeDef, ObjectTypeDef, TypeDef

if TYPE_CHECKING:
    from drydock.engine.module.loaded import LoadedModule
    from drydock.engine.session import Client


@dataclass(frozen=True, eq=False)
class ModuleObject:
    """An object of a module's own type; `state` is what its Python class turned into."""

    module: LoadedModule
    definition: ObjectTypeDef
    state: Mapping[str, Any]

    @property
    def graphql_type(self) -> str:
        """The type's name in the API."""
        return self.definition.name

    @property
    def identity(self) -> Identity:
        """Be named by content."""
        return Identity(
            "Query.__moduleObject",
            {
                "module": self.module.digest,
                "kind": self.definition.name,
                "state": json.dumps(self.state, sort_keys=True),
            },
        )


async def from_function(client: Client, module: LoadedModule, type_def: TypeDef, value: Any) -> Any:
    """Return the domain value of a function's JSON result (or of a field of its state)."""
    if value is None:
        return None
    if type_def.as_list is not None:
        element = type_def.as_list.element_type_def
        return [await from_function(client, module, element, item) for item in value]
    if type_def.as_object is not None:
        own = module.types.object(type_def.name)
        if own is not None:
            if not isinstance(value, dict):
                raise EngineError(f"a {type_def.name} came as {type(value).__name__}, not as state")
            return ModuleObject(module, own, value)
        return await load(client, str(value))
    if type_def.as_enum is not None:
        return member_shown(module.types.enum(type_def.name), value)
    if type_def.kind == "FLOAT_KIND":
        return float(value)
    if type_def.kind == "VOID_KIND":
        return None
    return value


def to_function(module: LoadedModule, type_def: TypeDef, value: Any, id_: Any) -> Any:
    """Return an argument as the function gets it; `id_` is the id (or ids) of objects."""
    if value is None:
        return None
    if type_def.as_list is not None:
        element = type_def.as_list.element_type_def
        ids = id_ if isinstance(id_, list) else [None] * len(value)
        return [
            to_function(module, element, item, item_id)
            for item, item_id in zip(value, ids, strict=True)
        ]
    if isinstance(value, ModuleObject) and value.module.digest == module.digest:
        return dict(value.state)
    if type_def.as_object is not None or type_def.as_interface is not None:
        return id_
    if type_def.as_enum is not None:
        return member_original(module.types.enum(type_def.name), value)
    return value


def member_shown(definition: EnumTypeDef | None, original: str) -> str:
    """Return the API's name of an enum member that Python named."""
    for member in definition.members if definition else ():
        if member.original == original:
            return member.name
    return original


def member_original(definition: EnumTypeDef | None, name: str) -> str:
    """Return Python's name of an enum member."""
    for member in definition.members if definition else ():
        if member.name == name:
            return member.original
    return name
