"""Arguments of a function call as JSON: what the caller gave, what `.env` says, what the context holds.

Called by `calls.py`. An argument that nobody gives is left out, so that the function's own default applies.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from drydock.engine.ask import ask
from drydock.engine.errors import EngineError
from drydock.engine.field import Call, snake_case
from drydock.engine.module.objects import member_shown, to_function
from drydock.engine.module.source import context_value
from drydock.engine.module.target import Target
from drydock.engine.module.typedefs import FunctionArg, TypeDef


async def inputs_of(target: Target, call: Call, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments as JSON by their original names; what nobody gives is left out."""
    inputs: dict[str, Any] = {}
    for arg in target.function.args:
        name = snake_case(arg.name)
        value = given.get(name)
        user = _user_default(target, call, arg, value)
        if user is not None:
            inputs[arg.original] = await _from_text(target, call, arg, user)
        elif value is not None:
            encoded = to_function(target.module, arg.type_def, value, call.ids.get(name))
            inputs[arg.original] = await _without_ignored(call, arg, encoded)
        elif arg.contextual:
            inputs[arg.original] = await _contextual(target, call, arg)
        elif arg.required:
            raise EngineError(f'missing required argument: "{arg.name}"')
    return inputs


def _user_default(target: Target, call: Call, arg: FunctionArg, value: Any) -> str | None:
    """Return the user's value for an argument that the caller left alone; functions get none."""
    defaults = target.module.user_defaults
    if not defaults or call.client.function_call is not None:
        return None
    if value is not None and not _is_default(target, arg, value):
        return None
    return defaults.find(_owner(target), arg.original)


def _owner(target: Target) -> str:
    """Return the function's name as user defaults have it."""
    return "" if target.is_constructor else target.function.original


def _is_default(target: Target, arg: FunctionArg, value: Any) -> bool:
    if arg.default_value is None:
        return False
    default = json.loads(arg.default_value)
    if arg.type_def.as_enum is not None:
        default = member_shown(target.module.types.enum(arg.type_def.name), default)
    return bool(value == default)


async def _without_ignored(call: Call, arg: FunctionArg, encoded: Any) -> Any:
    """Leave out of a given directory what its argument ignores.

    Where an argument has a place in the context, whoever gives another one has left that out already (the command line
    does), or means what he gives.
    """
    if not arg.ignore or arg.contextual or arg.type_def.name != "Directory":
        return encoded
    query = (
        "query($id: ID!, $exclude: [String!]) "
        "{ node(id: $id) { ... on Directory { filter(exclude: $exclude) { id } } } }"
    )
    data = await ask(call.client, query, {"id": encoded, "exclude": list(arg.ignore)})
    return str(data["node"]["filter"]["id"])


async def _contextual(target: Target, call: Call, arg: FunctionArg) -> str:
    client = call.session.client
    with call.span.current():
        if arg.default_address:
            query = "query($a: String!) { container { from(address: $a) { id } } }"
            data = await ask(client, query, {"a": arg.default_address})
            return str(data["container"]["from"]["id"])
        return await context_value(
            client, target.module.source, arg.type_def.name, arg.default_path, arg.ignore
        )


async def _from_text(target: Target, call: Call, arg: FunctionArg, text: str) -> Any:
    """Return the JSON of an argument that is written as text in `.env`."""
    type_def = arg.type_def
    if type_def.as_list is not None:
        element = type_def.as_list.element_type_def
        return [await _one(target, call, arg, element, part) for part in text.split(",")]
    return await _one(target, call, arg, type_def, text)


async def _one(target: Target, call: Call, arg: FunctionArg, type_def: TypeDef, text: str) -> Any:
    try:
        match type_def.kind:
            case "INTEGER_KIND":
                return int(text)
            case "FLOAT_KIND":
                return float(text)
            case "BOOLEAN_KIND":
                return {"true": True, "1": True, "false": False, "0": False}[text.lower()]
            case "STRING_KIND" | "SCALAR_KIND":
                return text
    except (ValueError, KeyError):
        raise EngineError(
            f"user default {arg.name}={text!r} in .env is no {type_def.name or type_def.kind}"
        ) from None
    if type_def.as_enum is not None:
        definition = target.module.types.enum(type_def.name)
        for member in definition.members if definition else ():
            if member.name == text.upper():
                return member.original
        raise EngineError(f"user default {arg.name}={text!r} in .env is no {type_def.name}")
    return await _address(target, call, arg, type_def.name, text)


async def _address(target: Target, call: Call, arg: FunctionArg, kind: str, text: str) -> str:
    """Return the id of the object behind an address in `.env`; paths begin at its folder."""
    if kind in {"Directory", "File"} and not re.match(r"^[\w+.-]+:", text):
        folder = target.module.user_defaults.folder(_owner(target), arg.original)
        text = str((folder / Path(text).expanduser()).resolve())
    if kind == "Secret" and ":" not in text:
        text = f"env://{text}"
    if kind == "CacheVolume":
        data = await ask(
            call.session.client, "query($a: String!) { cacheVolume(key: $a) { id } }", {"a": text}
        )
        return str(data["cacheVolume"]["id"])
    field_name = kind[:1].lower() + kind[1:]
    query = f"query($a: String!) {{ address(value: $a) {{ {field_name} {{ id }} }} }}"
    with call.span.current():
        data = await ask(call.session.client, query, {"a": text})
    return str(data["address"][field_name]["id"])
