"""Types as plain JSON, for clients that cannot afford GraphQL: the command line and the bindings of dependencies.

{"module", "main", "entry": FUNCTION, "objects": {NAME: {"description", "functions": [FUNCTION]}},
 "enums": {NAME: {"description", "members"}}, "scalars": {NAME: DESCRIPTION}}
FUNCTION = {"name", "description", "args": [ARGUMENT], "returns": TYPE}
ARGUMENT = {"name", "description", "type": TYPE, "required", "default", "userDefault", "ignore"}
TYPE     = {"kind", "name", "optional", "element"}
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from drydock.engine.module.objects import member_shown
from drydock.engine.module.typedefs import (
    FieldTypeDef,
    Function,
    FunctionArg,
    ObjectTypeDef,
    TypeDef,
)
from drydock.engine.schema import Argument, Field, Schema, TypeRef

if TYPE_CHECKING:
    from drydock.engine.module.loaded import LoadedModule

Json = dict[str, Any]
_CORE_SCALARS = {"String": "STRING", "Int": "INTEGER", "Float": "FLOAT", "Boolean": "BOOLEAN"}


def describe_module(module: LoadedModule) -> Json:
    """Describe a module's own types and its constructor."""
    main = module.main
    constructor = main.constructor
    return {
        "module": module.name,
        "main": main.name,
        "entry": {
            "name": module.field,
            "description": main.description,
            "args": [_argument(module, "", a) for a in (constructor.args if constructor else ())],
            "returns": {"kind": "OBJECT", "name": main.name},
        },
        "objects": {
            item.name: _object(module, item.as_object)
            for item in module.types.objects
            if item.as_object is not None
        },
        "enums": {
            item.name: {
                "description": item.as_enum.description,
                "members": [member.name for member in item.as_enum.members],
            }
            for item in module.types.enums
            if item.as_enum is not None
        },
    }


def _object(module: LoadedModule, definition: ObjectTypeDef) -> Json:
    functions = [_field(item) for item in definition.fields]
    functions += [_function(module, item) for item in definition.functions]
    return {"description": definition.description, "functions": functions}


def _field(item: FieldTypeDef) -> Json:
    return {
        "name": item.name,
        "description": item.description,
        "args": [],
        "returns": _type(item.type_def),
    }


def _function(module: LoadedModule, function: Function) -> Json:
    return {
        "name": function.name,
        "description": function.description,
        "args": [_argument(module, function.original, arg) for arg in function.args],
        "returns": _type(function.return_type),
    }


def _argument(module: LoadedModule, function: str, arg: FunctionArg) -> Json:
    default = None if arg.default_value is None else json.loads(arg.default_value)
    if arg.type_def.as_enum is not None and isinstance(default, str):
        default = member_shown(module.types.enum(arg.type_def.name), default)
    return {
        "name": arg.name,
        # The real command line shows a module's texts as blocks of their own.
        "description": f"\n{arg.description}\n" if arg.description else "",
        "type": _type(arg.type_def),
        "required": arg.required,
        "default": default,
        "userDefault": module.user_defaults.find(function, arg.original),
        "ignore": list(arg.ignore),
    }


def _type(type_def: TypeDef) -> Json:
    shown: Json = {"kind": type_def.kind.removesuffix("_KIND"), "name": type_def.name}
    if type_def.optional:
        shown["optional"] = True
    if type_def.as_list is not None:
        shown["element"] = _type(type_def.as_list.element_type_def)
    return shown


# ------------------------------------------------------------ core types


def describe_core(schema: Schema, name: str) -> Json:
    """Describe one type of the core API; an unknown one is empty."""
    found = schema.types.get(name)
    if found is None:
        return {}
    if found.kind == "ENUM":
        members = list(found.values)
        return {"enums": {name: {"description": found.description, "members": members}}}
    if found.kind == "SCALAR":
        return {"scalars": {name: found.description}}
    functions = [_core_function(schema, item) for item in found.fields.values()]
    return {"objects": {name: {"description": found.description, "functions": functions}}}


def _core_function(schema: Schema, item: Field) -> Json:
    return {
        "name": item.name,
        "description": item.description,
        "args": [_core_argument(schema, arg) for arg in item.args.values()],
        "returns": _core_type(schema, item.ref, None),
    }


def _core_argument(schema: Schema, arg: Argument) -> Json:
    return {
        "name": arg.name,
        "description": arg.description,
        "type": _core_type(schema, arg.ref, arg.expected_type),
        "required": arg.required,
        "default": _literal(arg.default),
    }


def _literal(text: str | None) -> Any:
    if text is None:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return text  # an enum member


def _core_type(schema: Schema, ref: TypeRef, expected: str | None) -> Json:
    optional = ref.kind != "NON_NULL"
    inner = ref.nullable
    if inner.kind == "LIST" and inner.of is not None:
        return {
            "kind": "LIST",
            "optional": optional,
            "element": _core_type(schema, inner.of, expected),
        }
    name = inner.name
    if name == "ID" and expected:
        kind, name = "OBJECT", expected
    elif name in _CORE_SCALARS:
        kind = _CORE_SCALARS[name]
    else:
        found = schema.types[name].kind
        kind = {"INPUT_OBJECT": "INPUT"}.get(found, "VOID" if name == "Void" else found)
    return {"kind": kind, "name": name, "optional": optional}
