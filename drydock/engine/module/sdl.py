"""A module's types as GraphQL: the document that extends the schema, and who answers its fields.

Used twice: for the session's main client (the module's constructor, and its functions as fields of Query besides), and for
the clients of function calls (the constructors of the modules they depend on).
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from drydock.engine.execute import ROOT
from drydock.engine.field import Call, Resolver
from drydock.engine.module.calls import call_function
from drydock.engine.module.objects import ModuleObject, from_function, member_shown
from drydock.engine.module.target import Target
from drydock.engine.module.typedefs import (
    FieldTypeDef,
    Function,
    FunctionArg,
    ObjectTypeDef,
    TypeDef,
)
from drydock.engine.schema import Schema
from drydock.engine.session import SessionSchema

if TYPE_CHECKING:
    from drydock.engine.module.loaded import LoadedModule

Resolve = Callable[..., Awaitable[Any]]
_SCALARS = {
    "STRING_KIND": "String",
    "INTEGER_KIND": "Int",
    "FLOAT_KIND": "Float",
    "BOOLEAN_KIND": "Boolean",
    "VOID_KIND": "Void",
}


def extend(base: SessionSchema, module: LoadedModule, *, entrypoint: bool) -> SessionSchema:
    """Return a client's schema with a module: its constructor, and with `entrypoint` its functions on Query too.

    The types of its dependencies come along, so that what they made can be loaded by id.
    """
    for dependency in module.dependencies:
        base = with_types(base, dependency)
    document = _Document(module, base.schema)
    if module.main.name not in base.schema.types:
        document.types()
    document.root(entrypoint=entrypoint)
    return document.applied(base)


def with_types(base: SessionSchema, module: LoadedModule) -> SessionSchema:
    """Return a client's schema with the types of a module and its dependencies, but no way to call them."""
    for dependency in module.dependencies:
        base = with_types(base, dependency)
    if module.main.name in base.schema.types:
        return base
    document = _Document(module, base.schema)
    document.types()
    return document.applied(base)


def without_host(base: SessionSchema) -> SessionSchema:
    """Return a schema whose clients cannot reach the caller's machine."""
    return SessionSchema(_hostless(base.schema), base.resolvers)


_EXTENDED: dict[tuple[str, str], Schema] = {}
_EXTENDED_KEPT = 64


def _extended(schema: Schema, sdl: str) -> Schema:
    key = (schema.digest, sdl)
    if key not in _EXTENDED:
        if len(_EXTENDED) >= _EXTENDED_KEPT:
            _EXTENDED.clear()
        _EXTENDED[key] = schema.with_types(sdl)
    return _EXTENDED[key]


@lru_cache(maxsize=8)
def _without(digest: str, schema: _Keyed) -> Schema:
    query = schema.value.types["Query"]
    fields = {name: field for name, field in query.fields.items() if name != "host"}
    types = {**schema.value.types, "Query": replace(query, fields=fields)}
    return replace(schema.value, types=types, digest=f"{digest}-hostless")


class _Keyed:
    """A schema that hashes by digest, so that a cache can hold it."""

    def __init__(self, value: Schema) -> None:
        self.value = value

    def __hash__(self) -> int:
        return hash(self.value.digest)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Keyed) and other.value.digest == self.value.digest


def _hostless(schema: Schema) -> Schema:
    return _without(schema.digest, _Keyed(schema))


class _Document:
    """The text and the resolvers of one module."""

    def __init__(self, module: LoadedModule, base: Schema) -> None:
        self._module, self._base = module, base
        self._parts: list[str] = []
        self.resolvers: dict[str, Resolver] = {}

    def applied(self, base: SessionSchema) -> SessionSchema:
        """Return a client's schema with the document."""
        if not self._parts:
            return base  # a module that is just being registered
        schema = _extended(base.schema, "\n".join(self._parts))
        return SessionSchema(schema, {**base.resolvers, **self.resolvers})

    def types(self) -> None:
        """Write the module's own types."""
        for enum in self._module.types.enums:
            found = enum.as_enum
            if found is not None:
                members = "\n".join(
                    f"  {_text(m.description)}{m.name}{_deprecated(m.deprecated)}"
                    for m in found.members
                )
                self._parts.append(f"{_text(found.description)}enum {found.name} {{\n{members}\n}}")
        for face in self._module.types.interfaces:
            iface = face.as_interface
            if iface is not None:
                fields = "\n".join(self._function(f) for f in iface.functions)
                self._parts.append(
                    f"{_text(iface.description)}interface {iface.name} {{\n  id: ID!\n{fields}\n}}"
                )
        for item in self._module.types.objects:
            if item.as_object is not None:
                self._object(item.as_object)

    def root(self, *, entrypoint: bool) -> None:
        """Write the fields of Query."""
        module, main = self._module, self._module.main
        constructor = main.constructor
        lines = [self._field(module.field, constructor, f"{main.name}!", main.description)]
        self._answer("Query", module.field, _construct(module), constructor)
        if entrypoint:
            if constructor is not None and constructor.args:
                lines.append(
                    self._field("with", constructor, "Query!", "Set the constructor's values.")
                )
                self._answer("Query", "with", _with(module), constructor)
            taken = {*self._base.types["Query"].fields, module.field, "with"}
            for function in main.functions:
                if function.name not in taken:
                    lines.append(self._function(function))
                    self._answer("Query", function.name, _proxy(module, function), function)
            for field in main.fields:
                if field.name not in taken:
                    lines.append(self._plain_field(field))
                    self._answer("Query", field.name, _proxy(module, field), None)
        self._parts.append("extend type Query {\n" + "\n".join(lines) + "\n}")

    def _object(self, definition: ObjectTypeDef) -> None:
        lines = ["  id: ID!"]
        for field in definition.fields:
            lines.append(self._plain_field(field))
            self._answer(definition.name, field.name, _read(field), None)
        for function in definition.functions:
            lines.append(self._function(function))
            self._answer(definition.name, function.name, _method(definition, function), function)
        body = "\n".join(lines)
        self._parts.append(
            f"{_text(definition.description)}type {definition.name} implements Node {{\n{body}\n}}"
        )

    def _answer(
        self, type_name: str, field_name: str, resolve: Resolve, function: Function | None
    ) -> None:
        name = f"{type_name}.{field_name}"
        fresh = function is not None and function.policy == "Never"
        quiet = function is None and type_name != "Query"
        self.resolvers[name] = Resolver(name, resolve, memo=not fresh, quiet=quiet, verbose=True)

    def _function(self, function: Function) -> str:
        marks = "".join(
            f" @{mark}"
            for mark, on in (
                ("check", function.check), ("generate", function.generator), ("up", function.up)
            )
            if on
        )  # fmt: skip
        returns = type_text(function.return_type)
        return self._field(function.name, function, returns, function.description, marks)

    def _field(
        self, name: str, function: Function | None, returns: str, description: str, marks: str = ""
    ) -> str:
        args = ""
        if function is not None:
            owner = "" if function is self._module.main.constructor else function.original
            args = ", ".join(self._argument(arg, owner) for arg in function.args)
        reason = function.deprecated if function else None
        arguments = f"({args})" if args else ""
        return f"  {_text(description)}{name}{arguments}: {returns}{_deprecated(reason)}{marks}"

    def _plain_field(self, field: FieldTypeDef) -> str:
        returns = type_text(field.type_def)
        return f"  {_text(field.description)}{field.name}: {returns}{_deprecated(field.deprecated)}"

    def _argument(self, arg: FunctionArg, function: str) -> str:
        given = self._module.user_defaults.find(function, arg.original) is not None
        text = f"{_text(arg.description)}{arg.name}: {_input_text(arg, given=given)}"
        if arg.default_value is not None and (default := self._default(arg)) is not None:
            text += f" = {default}"
        expected = _base(arg.type_def)
        if expected.as_object is not None or expected.as_interface is not None:
            text += f" @expectedType(name: {json.dumps(expected.name)})"
        return text + _deprecated(arg.deprecated)

    def _default(self, arg: FunctionArg) -> str | None:
        value = json.loads(arg.default_value or "null")
        base = _base(arg.type_def)
        if base.as_enum is None:
            return None if isinstance(value, dict) else json.dumps(value)
        definition = self._module.types.enum(base.name)
        if isinstance(value, list):
            return "[" + ", ".join(member_shown(definition, item) for item in value) + "]"
        return member_shown(definition, value) if value is not None else None


# ------------------------------------------------------------ types


def type_text(type_def: TypeDef) -> str:
    """Write a result's type."""
    if type_def.as_list is not None:
        text = f"[{type_text(type_def.as_list.element_type_def)}]"
    else:
        text = _SCALARS.get(type_def.kind) or type_def.name
    return text if type_def.optional or type_def.kind == "VOID_KIND" else f"{text}!"


def _input_text(arg: FunctionArg, *, given: bool) -> str:
    text = _input_type(arg.type_def)
    optional = arg.type_def.optional or arg.contextual or given
    return text if optional else f"{text}!"


def _input_type(type_def: TypeDef) -> str:
    if type_def.as_list is not None:
        element = type_def.as_list.element_type_def
        return f"[{_input_type(element)}{'' if element.optional else '!'}]"
    if type_def.as_object is not None or type_def.as_interface is not None:
        return "ID"
    return _SCALARS.get(type_def.kind) or type_def.name


def _base(type_def: TypeDef) -> TypeDef:
    return _base(type_def.as_list.element_type_def) if type_def.as_list else type_def


def _text(description: str) -> str:
    return json.dumps(description, ensure_ascii=True) + " " if description else ""


def _deprecated(reason: str | None) -> str:
    return "" if reason is None else f" @deprecated(reason: {json.dumps(reason)})"


# ------------------------------------------------------------ resolvers


class EntryArguments:
    """What `with(...)` set for the constructor in a session."""

    def __init__(self, _session: Any) -> None:
        self.given: dict[str, Any] = {}
        self.ids: dict[str, Any] = {}


def _construct(module: LoadedModule) -> Resolve:
    main = module.main
    constructor = main.constructor

    async def resolve(_query: Any, call: Call, **given: Any) -> ModuleObject:
        if constructor is None:
            return ModuleObject(module, main, {})
        target = Target(module, main.name, main.original, replace(constructor, original=""), None)
        made: ModuleObject = await call_function(target, call, given)
        return made

    return resolve


def _with(_module: LoadedModule) -> Resolve:
    async def resolve(_query: Any, call: Call, **given: Any) -> Any:
        entry = call.session.part(EntryArguments)
        entry.given, entry.ids = given, dict(call.ids)
        return ROOT

    return resolve


def _proxy(module: LoadedModule, member: Function | FieldTypeDef) -> Resolve:
    """Answer a function of the main object as a field of Query."""
    construct = _construct(module)

    async def resolve(query: Any, call: Call, **given: Any) -> Any:
        entry = call.session.part(EntryArguments)
        span = call.span.child(f"{module.field}: {module.main.name}!", module.field)
        inner = replace(call, span=span, ids=entry.ids)
        with span.active():
            main = await construct(query, inner, **entry.given)
        if isinstance(member, FieldTypeDef):
            return await _read(member)(main, call)
        return await _method(module.main, member)(main, call, **given)

    return resolve


def _method(definition: ObjectTypeDef, function: Function) -> Resolve:
    async def resolve(self: ModuleObject, call: Call, **given: Any) -> Any:
        target = Target(self.module, definition.name, definition.original, function, self.state)
        return await call_function(target, call, given)

    return resolve


def _read(field: FieldTypeDef) -> Resolve:
    async def resolve(self: ModuleObject, call: Call) -> Any:
        value = self.state.get(field.original)
        return await from_function(call.session.client, self.module, field.type_def, value)

    return resolve
