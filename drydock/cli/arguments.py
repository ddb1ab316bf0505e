"""Arguments of functions: from a typed argument to a flag, and from the flag's text to a GraphQL literal.

Objects are given as addresses (`./dir`, `env://TOKEN`, `tcp://host:port`, `alpine:3.22`); the engine turns an address into
an object, whose id is what the call gets. Called by `chain.py`.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drydock.cli.connection import QueryError
from drydock.cli.flags import Flag
from drydock.cli.typedefs import Argument, TypeRef, Types, flaggable
from drydock.cli.values import (
    FlagValueError,
    Parser,
    list_of,
    member_of,
    parse_bool,
    parse_float,
    parse_int,
    parse_text,
    split,
)

Ask = Callable[[str], Any]  # a GraphQL query's selection set -> data


class ArgumentError(Exception):
    """The engine could not make a value of an argument's address."""


@dataclass(frozen=True)
class Binding:
    """An argument and the flag that carries it."""

    argument: Argument
    flag: Flag


def bind(
    arguments: tuple[Argument, ...], types: Types, *, constructor: bool = False
) -> list[Binding]:
    """Make flags for arguments: required ones first, each part sorted by name.

    Constructor arguments are never marked as required: a chain may not need them, and they are checked when it runs.
    """
    usable = [arg for arg in arguments if flaggable(arg.type)]
    usable.sort(key=lambda arg: (constructor or not _must(arg), arg.flag))
    return [Binding(arg, _flag(arg, types, constructor=constructor)) for arg in usable]


def literal(binding: Binding, ask: Ask) -> str:
    """Write the value of a flag that was given as a GraphQL literal; objects are made first."""
    type_, value, ignore = binding.argument.type, binding.flag.value, binding.argument.ignore
    if type_.base.kind == "OBJECT" or type_.base.name in {"PortForward", "BuildArg"}:
        try:
            if type_.element is None:
                return _object(type_, value, ask, ignore)
            found = [_object(type_.element, item, ask, ignore) for item in value]
            return "[" + ", ".join(found) + "]"
        except (ArgumentError, FlagValueError, QueryError) as error:
            raise ArgumentError(
                f'failed to get value for argument "{binding.argument.flag}": {error}'
            ) from error
    return _plain(type_, value)


def _must(argument: Argument) -> bool:
    return argument.required and argument.user_default is None


def _flag(argument: Argument, types: Types, *, constructor: bool) -> Flag:
    kind, parse = _kind(argument.type, types)
    listed = argument.type.element is not None
    required = _must(argument)
    marked = required and not constructor
    usage = argument.description
    if not usage and argument.type.kind == "OBJECT":
        usage = types.description(argument.type.name)
    if marked:
        usage = f"{usage.strip()}\n [required]" if usage.strip() else "[required]"
    return Flag(
        argument.flag,
        usage,
        kind=kind,
        shown_default=_shown_default(argument),
        parse=parse,
        switch=argument.type.kind == "BOOLEAN",
        repeated=listed,
        required=marked,
    )


def _kind(type_: TypeRef, types: Types) -> tuple[str, Parser]:
    """Return the word that help shows for a type, and its parser."""
    plain: dict[str, tuple[str, Parser]] = {
        "STRING": ("string", parse_text),
        "INTEGER": ("int", parse_int),
        "FLOAT": ("float", parse_float),
        "BOOLEAN": ("", parse_bool),
    }
    if type_.element is None:
        if type_.kind == "ENUM":
            members = list(types.members(type_.name))
            return ",".join(sorted(members)), member_of(members)
        if type_.kind in plain:
            return plain[type_.kind]
        return ("string" if type_.name == "JSON" else type_.name), parse_text
    element = type_.element
    lists: dict[str, tuple[str, Parser]] = {
        "STRING": ("strings", split),
        "INTEGER": ("ints", list_of(lambda text: parse_int(text.strip(), "Atoi"))),
        "FLOAT": ("floats", list_of(lambda text: parse_float(text.strip()))),
        "BOOLEAN": ("bools", list_of(lambda text: parse_bool(text.strip()))),
    }
    if element.kind in lists:
        return lists[element.kind]
    word, parse = _kind(element, types)
    return f"[]{word}", list_of(parse)


def _shown_default(argument: Argument) -> str:
    """Return what help says behind "default"; zero values are not worth a word."""
    type_ = argument.type
    if argument.user_default is not None and type_.element is None:
        if type_.kind == "STRING":
            return json.dumps(argument.user_default, ensure_ascii=False)
        return argument.user_default
    if type_.element is not None:
        return "[]" if type_.element.kind in {"OBJECT", "ENUM"} else ""
    default = argument.default
    if default is None or default in ("", 0, False):
        return ""
    if type_.kind == "STRING":
        return json.dumps(default, ensure_ascii=False)
    if type_.kind == "BOOLEAN":
        return "true"
    if isinstance(default, float) and default.is_integer():
        return str(int(default))
    return str(default)


def _plain(type_: TypeRef, value: Any) -> str:
    if type_.element is not None:
        element = type_.element
        return "[" + ", ".join(_plain(element, item) for item in value) + "]"
    return str(value) if type_.kind == "ENUM" else json.dumps(value)


def _object(type_: TypeRef, address: str, ask: Ask, ignore: tuple[str, ...] = ()) -> str:
    """Return the literal of the object (its id) or input behind an address.

    `ignore`: what is left out of a directory.
    """
    name = type_.name
    if name == "PortForward":
        return _port_forward(address)
    if name == "BuildArg":
        key, _, value = address.partition("=")
        return f"{{name: {json.dumps(key)}, value: {json.dumps(value)}}}"
    if name == "CacheVolume":
        return _id(ask, f"cacheVolume(key: {json.dumps(address)})")
    if name in {"Module", "ModuleSource"}:
        source = f"moduleSource(refString: {json.dumps(expand_home(address))})"
        if name == "ModuleSource":
            return _id(ask, source)
        return _id(ask, f"{source} {{ asModule", braces=1)
    field = name[0].lower() + name[1:]
    if name in {"Directory", "File"}:
        address = expand_home(address)
    if name == "Directory":
        address, options = directory_options(address, ignore)
        field += options
    return _id(ask, f"address(value: {json.dumps(address)}) {{ {field}", braces=1)


def directory_options(address: str, ignore: tuple[str, ...]) -> tuple[str, str]:
    """Split `PATH?include=a,b&exclude=c&gitignore`; return the path and the API's arguments.

    What a module ignores is left out of a directory, unless `exclude` names something else.
    """
    path, _, text = address.partition("?")
    lists = {"exclude": list(ignore), "include": []}
    gitignore = False
    for option in filter(None, text.split("&")):
        key, equals, value = option.partition("=")
        if key in lists and equals:
            lists[key] = value.split(",")
        elif key == "gitignore":
            gitignore = parse_bool(value) if equals else True
        else:
            raise ArgumentError(f'unknown option "{option}" in "{address}"')
    given = [f"{key}: {json.dumps(value)}" for key, value in lists.items() if value]
    given += ["gitignore: true"] if gitignore else []
    return path, f"({', '.join(given)})" if given else ""


def _id(ask: Ask, selection: str, braces: int = 0) -> str:
    data = ask("{ " + selection + " { id } " + "}" * braces + " }")
    while isinstance(data, dict):
        data = next(iter(data.values()))
    return json.dumps(data)


def expand_home(address: str) -> str:
    """Expand a leading `~`, which shells leave alone behind "="."""
    return str(Path(address).expanduser()) if address.startswith("~") else address


def is_bare_secret(argument: Argument, address: str) -> bool:
    """Return whether a secret is given by the old spelling, the bare name of a variable."""
    return argument.type.base.name == "Secret" and not re.match(r"^[\w+.-]+:", address)


def secret_address(address: str) -> str:
    """Spell a secret's address with its scheme."""
    return address if ":" in address else f"env://{address}"


def _port_forward(text: str) -> str:
    front, _, back = text.partition(":")
    try:
        numbers = [int(front), int(back or front)]
    except ValueError:
        raise ArgumentError(f"invalid port mapping {text!r}: want FRONT:BACK") from None
    return f"{{frontend: {numbers[0]}, backend: {numbers[1]}}}"


def base_name(path: str) -> str:
    """Return the last part of a path."""
    return os.path.basename(path)  # noqa: PTH119 - a text of a message, not a path to use
