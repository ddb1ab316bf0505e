"""Resolvers with which a module describes itself: typeDef, function, sourceMap and their `with*` fields.

Called by the SDK while a module registers, and by clients that look at definitions. All are cheap and quiet.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from drydock.engine.errors import EngineError
from drydock.engine.field import Call, attributes, field
from drydock.engine.module.typedefs import (
    EnumTypeDef,
    EnumValueTypeDef,
    FieldTypeDef,
    Function,
    FunctionArg,
    InterfaceTypeDef,
    ListTypeDef,
    ObjectTypeDef,
    ScalarTypeDef,
    SourceMap,
    TypeDef,
)

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_MAXIMUM_TTL = 7 * 24 * 3600.0


def seconds(text: str) -> float:
    """Read a time to live such as `10s` or `1h30m`."""
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise EngineError(f'time: invalid duration "{text}"')
    return min(sum(float(number) * _SECONDS[unit] for number, unit in parts), _MAXIMUM_TTL)


# ------------------------------------------------------------ roots


@field("Query.typeDef", quiet=True)
def type_def(_query: Any, _call: Call) -> TypeDef:
    """Begin a type."""
    return TypeDef()


@field("Query.function", quiet=True)
def function_(_query: Any, _call: Call, *, name: str, return_type: TypeDef) -> Function:
    """Begin a function."""
    return Function(name, return_type, original=name)


@field("Query.sourceMap", quiet=True)
def source_map(_query: Any, _call: Call, *, filename: str, line: int, column: int) -> SourceMap:
    """Name a place in a source."""
    return SourceMap(filename, line, column)


# ------------------------------------------------------------ TypeDef


@field("TypeDef.withKind", quiet=True)
def with_kind(self: TypeDef, _call: Call, *, kind: str) -> TypeDef:
    """Set the kind."""
    return replace(self, kind=kind if kind.endswith("_KIND") else f"{kind}_KIND")


@field("TypeDef.withOptional", quiet=True)
def with_optional(self: TypeDef, _call: Call, *, optional: bool) -> TypeDef:
    """Allow null."""
    return replace(self, optional=optional)


@field("TypeDef.withListOf", quiet=True)
def with_list_of(self: TypeDef, _call: Call, *, element_type: TypeDef) -> TypeDef:
    """Make it a list."""
    return replace(self, kind="LIST_KIND", as_list=ListTypeDef(element_type))


@field("TypeDef.withScalar", quiet=True)
def with_scalar(self: TypeDef, _call: Call, *, name: str, description: str | None) -> TypeDef:
    """Make it a named scalar."""
    return replace(self, kind="SCALAR_KIND", as_scalar=ScalarTypeDef(name, description or ""))


@field("TypeDef.withObject", quiet=True)
def with_object(
    self: TypeDef,
    _call: Call,
    *,
    name: str,
    description: str | None,
    source_map: SourceMap | None,
    deprecated: str | None,
) -> TypeDef:
    """Make it an object."""
    made = ObjectTypeDef(
        name, description or "", deprecated=deprecated, original=name, source_map=source_map
    )
    return replace(self, kind="OBJECT_KIND", as_object=made)


@field("TypeDef.withInterface", quiet=True)
def with_interface(
    self: TypeDef, _call: Call, *, name: str, description: str | None, source_map: SourceMap | None
) -> TypeDef:
    """Make it an interface."""
    made = InterfaceTypeDef(name, description or "", source_map=source_map)
    return replace(self, kind="INTERFACE_KIND", as_interface=made)


@field("TypeDef.withEnum", quiet=True)
def with_enum(
    self: TypeDef, _call: Call, *, name: str, description: str | None, source_map: SourceMap | None
) -> TypeDef:
    """Make it an enum."""
    return replace(
        self, kind="ENUM_KIND", as_enum=EnumTypeDef(name, description or "", source_map=source_map)
    )


@field("TypeDef.withEnumMember", quiet=True)
def with_enum_member(
    self: TypeDef,
    _call: Call,
    *,
    name: str,
    value: str,
    description: str | None,
    source_map: SourceMap | None,
    deprecated: str | None,
) -> TypeDef:
    """Add a member to an enum."""
    if self.as_enum is None:
        raise EngineError(f"cannot add value to type: {self.kind}")
    member = EnumValueTypeDef(name, value or "", description or "", deprecated, name, source_map)
    return replace(self, as_enum=replace(self.as_enum, members=(*self.as_enum.members, member)))


@field("TypeDef.withEnumValue", quiet=True)
def with_enum_value(
    self: TypeDef,
    call: Call,
    *,
    value: str,
    description: str | None,
    source_map: SourceMap | None,
    deprecated: str | None,
) -> TypeDef:
    """Add a member that is called like its value."""
    return with_enum_member(
        self,
        call,
        name=value,
        value=value,
        description=description,
        source_map=source_map,
        deprecated=deprecated,
    )


@field("TypeDef.withField", quiet=True)
def with_field(
    self: TypeDef,
    _call: Call,
    *,
    name: str,
    type_def: TypeDef,
    description: str | None,
    source_map: SourceMap | None,
    deprecated: str | None,
) -> TypeDef:
    """Add a field to an object."""
    made = FieldTypeDef(name, type_def, description or "", deprecated, name, source_map)
    owner = self.owner()
    return replace(self, as_object=replace(owner, fields=(*owner.fields, made)))


@field("TypeDef.withFunction", quiet=True)
def with_function(self: TypeDef, _call: Call, *, function: Function) -> TypeDef:
    """Add a function to an object or interface."""
    return self.with_function(function)


@field("TypeDef.withConstructor", quiet=True)
def with_constructor(self: TypeDef, _call: Call, *, function: Function) -> TypeDef:
    """Set the constructor of an object."""
    return replace(self, as_object=replace(self.owner(), constructor=function))


# ------------------------------------------------------------ Function


@field("Function.withDescription", quiet=True)
def function_with_description(self: Function, _call: Call, *, description: str | None) -> Function:
    """Set the text."""
    return replace(self, description=description or "")


@field("Function.withDeprecated", quiet=True)
def function_with_deprecated(self: Function, _call: Call, *, reason: str | None) -> Function:
    """Mark it as old."""
    return replace(self, deprecated=reason or "")


@field("Function.withCheck", quiet=True)
def function_with_check(self: Function, _call: Call) -> Function:
    """Make it a check."""
    return replace(self, check=True)


@field("Function.withGenerator", quiet=True)
def function_with_generator(self: Function, _call: Call) -> Function:
    """Make it a generator."""
    return replace(self, generator=True)


@field("Function.withUp", quiet=True)
def function_with_up(self: Function, _call: Call) -> Function:
    """Make it a service of `dagger up`."""
    return replace(self, up=True)


@field("Function.withSourceMap", quiet=True)
def function_with_source_map(self: Function, _call: Call, *, source_map: SourceMap) -> Function:
    """Say where it is written."""
    return replace(self, source_map=source_map)


@field("Function.withCachePolicy", quiet=True)
def with_cache_policy(
    self: Function, _call: Call, *, policy: str, time_to_live: str | None
) -> Function:
    """Set how long results are kept."""
    if time_to_live and policy != "Default":
        raise EngineError(f"cannot set TTL for cache policy {policy}")
    return replace(self, policy=policy, ttl=seconds(time_to_live) if time_to_live else None)


@field("Function.withArg", quiet=True)
def with_arg(
    self: Function,
    _call: Call,
    *,
    name: str,
    type_def: TypeDef,
    description: str | None,
    default_value: str | None,
    default_path: str | None,
    ignore: Sequence[str] | None,
    source_map: SourceMap | None,
    deprecated: str | None,
    default_address: str | None,
) -> Function:
    """Add an argument."""
    made = FunctionArg(
        name,
        type_def,
        description or "",
        default_value,
        default_path or "",
        default_address or "",
        tuple(ignore or ()),
        deprecated,
        name,
        source_map,
    )
    return replace(self, args=(*self.args, made))


attributes(
    "TypeDef", "kind", "optional", "name", "asObject", "asList", "asEnum", "asInterface",
    "asScalar", "asInput",
)  # fmt: skip
attributes(
    "ObjectTypeDef", "name", "description", "fields", "functions", "constructor", "deprecated",
    "sourceModuleName", "sourceMap",
)  # fmt: skip
attributes("InterfaceTypeDef", "name", "description", "functions", "sourceModuleName", "sourceMap")
attributes("EnumTypeDef", "name", "description", "members", "sourceModuleName", "sourceMap")
attributes("EnumValueTypeDef", "name", "value", "description", "deprecated", "sourceMap")
attributes("ListTypeDef", "elementTypeDef")
attributes("ScalarTypeDef", "name", "description", "sourceModuleName")
attributes("FieldTypeDef", "name", "typeDef", "description", "deprecated", "sourceMap")
attributes(
    "Function", "name", "returnType", "description", "args", "deprecated", "sourceModuleName",
    "sourceMap",
)  # fmt: skip
attributes(
    "FunctionArg", "name", "typeDef", "description", "defaultPath", "defaultAddress", "ignore",
    "deprecated", "sourceMap",
)  # fmt: skip
attributes("SourceMap", "filename", "line", "column", "module", "url")


@field("FunctionArg.defaultValue", quiet=True)
def default_value(self: FunctionArg, _call: Call) -> str:
    """Return the default as JSON text, empty if there is none."""
    return self.default_value or ""


@field("EnumTypeDef.values", quiet=True)
def enum_values(self: EnumTypeDef, _call: Call) -> Sequence[EnumValueTypeDef]:
    """Return the members (their old name)."""
    return self.members
