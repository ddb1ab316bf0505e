"""What a module registers: functions, objects, enums, interfaces, as the API's own types.

The SDK builds them field by field (`typeDef.withObject(...).withFunction(...)`), so every `with_*` answers a new value.
Names are kept as the module wrote them until `loader.py` gives the module its place in the API. The same values, as JSON
(`to_json`, `from_json`), are what the state directory keeps per module digest.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, ClassVar

from drydock.engine.errors import EngineError


@dataclass(frozen=True)
class SourceMap:
    """Where something is written in a module's source."""

    graphql_type: ClassVar[str] = "SourceMap"
    filename: str
    line: int
    column: int
    module: str = ""
    url: str = ""


@dataclass(frozen=True)
class EnumValueTypeDef:
    """A member of an enum. `original` is the member's name in Python."""

    graphql_type: ClassVar[str] = "EnumValueTypeDef"
    name: str
    value: str = ""
    description: str = ""
    deprecated: str | None = None
    original: str = ""
    source_map: SourceMap | None = None


@dataclass(frozen=True)
class EnumTypeDef:
    """An enum."""

    graphql_type: ClassVar[str] = "EnumTypeDef"
    name: str
    description: str = ""
    members: tuple[EnumValueTypeDef, ...] = ()
    source_module_name: str = ""
    source_map: SourceMap | None = None


@dataclass(frozen=True)
class FunctionArg:
    """An argument of a function. `original` is its name as registered; `default_value` is JSON text."""

    graphql_type: ClassVar[str] = "FunctionArg"
    name: str
    type_def: TypeDef
    description: str = ""
    default_value: str | None = None
    default_path: str = ""
    default_address: str = ""
    ignore: tuple[str, ...] = ()
    deprecated: str | None = None
    original: str = ""
    source_map: SourceMap | None = None

    @property
    def contextual(self) -> bool:
        """Whether the engine itself can give the value (DefaultPath, DefaultAddress)."""
        return bool(self.default_path or self.default_address)

    @property
    def required(self) -> bool:
        """Whether a caller has to give it."""
        return not (self.type_def.optional or self.contextual or self.default_value is not None)


@dataclass(frozen=True)
class Function:
    """A function of an object. `policy` is Default, PerSession or Never; `ttl` is in seconds."""

    graphql_type: ClassVar[str] = "Function"
    name: str
    return_type: TypeDef
    description: str = ""
    args: tuple[FunctionArg, ...] = ()
    deprecated: str | None = None
    policy: str = "Default"
    ttl: float | None = None
    check: bool = False
    generator: bool = False
    up: bool = False
    original: str = ""
    source_module_name: str = ""
    source_map: SourceMap | None = None


@dataclass(frozen=True)
class FieldTypeDef:
    """A field of an object: read from its state, never computed."""

    graphql_type: ClassVar[str] = "FieldTypeDef"
    name: str
    type_def: TypeDef
    description: str = ""
    deprecated: str | None = None
    original: str = ""
    source_map: SourceMap | None = None


@dataclass(frozen=True)
class ObjectTypeDef:
    """An object type."""

    graphql_type: ClassVar[str] = "ObjectTypeDef"
    name: str
    description: str = ""
    fields: tuple[FieldTypeDef, ...] = ()
    functions: tuple[Function, ...] = ()
    constructor: Function | None = None
    deprecated: str | None = None
    original: str = ""
    source_module_name: str = ""
    source_map: SourceMap | None = None


@dataclass(frozen=True)
class InterfaceTypeDef:
    """An interface type."""

    graphql_type: ClassVar[str] = "InterfaceTypeDef"
    name: str
    description: str = ""
    functions: tuple[Function, ...] = ()
    source_module_name: str = ""
    source_map: SourceMap | None = None


@dataclass(frozen=True)
class ListTypeDef:
    """A list type."""

    graphql_type: ClassVar[str] = "ListTypeDef"
    element_type_def: TypeDef


@dataclass(frozen=True)
class ScalarTypeDef:
    """A scalar type that is not built in."""

    graphql_type: ClassVar[str] = "ScalarTypeDef"
    name: str
    description: str = ""
    source_module_name: str = ""


@dataclass(frozen=True)
class TypeDef:
    """A type: a kind, and the definition that belongs to it."""

    graphql_type: ClassVar[str] = "TypeDef"
    kind: str = "VOID_KIND"
    optional: bool = False
    as_object: ObjectTypeDef | None = None
    as_list: ListTypeDef | None = None
    as_enum: EnumTypeDef | None = None
    as_interface: InterfaceTypeDef | None = None
    as_scalar: ScalarTypeDef | None = None
    as_input: None = None

    @property
    def name(self) -> str:
        """The type's name, as the API prints it."""
        for part in (self.as_object, self.as_enum, self.as_interface, self.as_scalar):
            if part is not None:
                return part.name
        if self.as_list is not None:
            return self.as_list.element_type_def.name
        return _BUILTIN.get(self.kind, "")

    def with_function(self, function: Function) -> TypeDef:
        """Add a function to an object or interface."""
        if self.as_object is not None:
            found = self.as_object
            return replace(self, as_object=replace(found, functions=(*found.functions, function)))
        if self.as_interface is not None:
            face = self.as_interface
            return replace(self, as_interface=replace(face, functions=(*face.functions, function)))
        raise EngineError(f"cannot add function to type: {self.kind}")

    def owner(self) -> ObjectTypeDef:
        """Return the object definition; EngineError if the type is none."""
        if self.as_object is None:
            raise EngineError(f"cannot add to type: {self.kind}")
        return self.as_object


_BUILTIN = {
    "STRING_KIND": "String",
    "INTEGER_KIND": "Int",
    "FLOAT_KIND": "Float",
    "BOOLEAN_KIND": "Boolean",
    "VOID_KIND": "Void",
}


@dataclass(frozen=True)
class ModuleTypes:
    """Everything one module registered, with the API's names. `main` names the main object."""

    description: str = ""
    objects: tuple[TypeDef, ...] = ()
    interfaces: tuple[TypeDef, ...] = ()
    enums: tuple[TypeDef, ...] = ()

    def object(self, name: str) -> ObjectTypeDef | None:
        """Return an object's definition by its name in the API."""
        return next(
            (t.as_object for t in self.objects if t.as_object and t.as_object.name == name), None
        )

    def enum(self, name: str) -> EnumTypeDef | None:
        """Return an enum's definition by its name in the API."""
        return next((t.as_enum for t in self.enums if t.as_enum and t.as_enum.name == name), None)

    def interface_names(self) -> set[str]:
        """Return the names of the interfaces."""
        return {t.name for t in self.interfaces}


# ------------------------------------------------------------ JSON

_CLASSES: Mapping[str, type[Any]] = {
    cls.__name__: cls
    for cls in (
        SourceMap,
        EnumValueTypeDef,
        EnumTypeDef,
        FunctionArg,
        Function,
        FieldTypeDef,
        ObjectTypeDef,
        InterfaceTypeDef,
        ListTypeDef,
        ScalarTypeDef,
        TypeDef,
        ModuleTypes,
    )
}


def to_json(value: Any) -> Any:
    """Return definitions as JSON; fields that hold their default are left out."""
    if is_dataclass(value) and not isinstance(value, type):
        shown = {
            f.name: to_json(getattr(value, f.name))
            for f in fields(value)
            if getattr(value, f.name) != f.default
        }
        return {"": type(value).__name__, **shown}
    if isinstance(value, tuple):
        return [to_json(item) for item in value]
    return value


def from_json(data: Any) -> Any:
    """Return the definitions that `to_json` wrote."""
    if isinstance(data, dict):
        cls = _CLASSES[data[""]]
        return cls(**{name: from_json(value) for name, value in data.items() if name})
    if isinstance(data, list):
        return tuple(from_json(item) for item in data)
    return data


def default_of(argument: FunctionArg) -> Any:
    """Return an argument's default as a Python value."""
    return None if argument.default_value is None else json.loads(argument.default_value)


def each_argument(functions: Sequence[Function]) -> list[FunctionArg]:
    """Return the arguments of several functions."""
    return [argument for function in functions for argument in function.args]
