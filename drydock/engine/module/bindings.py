"""Client classes for the modules that a module depends on, made while the call starts.

A real engine generates Python source for `dag.tenant().greet(name=...)`; here the same classes are made from the
dependency's types, as the engine describes them (`describe.py`).
"""

from __future__ import annotations

import enum
import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any

import dagger
from dagger.client._core import Arg
from dagger.client.base import Enum, Type

Json = Mapping[str, Any]
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_KEYWORDS = {"from", "import", "global", "with", "as", "def", "class", "return", "pass", "is", "in"}
_PLAIN: dict[str, Any] = {"STRING": str, "INTEGER": int, "FLOAT": float, "BOOLEAN": bool}


def add(description: Json) -> None:
    """Add a dependency's types to the SDK's namespace and its constructor to the client."""
    for name, found in description["enums"].items():
        members = {member: member for member in found["members"]}
        made = enum.Enum(name, members, type=None, module="dagger")  # type: ignore[misc]
        setattr(dagger, name, made)
    for name, found in description["objects"].items():
        cls = type(name, (Type,), {"__slots__": (), "__doc__": found.get("description", "")})
        cls.__module__ = "dagger"
        setattr(dagger, name, cls)
    for name, found in description["objects"].items():
        cls = getattr(dagger, name)
        cls.id = _method({"name": "id", "returns": {"kind": "STRING"}})
        for function in found["functions"]:
            setattr(cls, python_name(function["name"]), _method(function))
    entry = description["entry"]
    setattr(dagger.Client, python_name(entry["name"]), _method(entry))


def python_name(name: str) -> str:
    """Spell a GraphQL name as Python does."""
    text = _WORDS.sub("_", name).lower()
    return f"{text}_" if text in _KEYWORDS else text


def _method(function: Json) -> Callable[..., Any]:
    """Make one method: lazy for objects, a coroutine function for everything else."""
    arguments = {python_name(arg["name"]): arg["name"] for arg in function.get("args", ())}
    required = {python_name(arg["name"]) for arg in function.get("args", ()) if arg["required"]}
    names = sorted(arguments, key=lambda name: name not in required)
    signature = inspect.Signature(
        [inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)]
        + [
            inspect.Parameter(
                name,
                inspect.Parameter.POSITIONAL_OR_KEYWORD,
                default=inspect.Parameter.empty if name in required else None,
            )
            for name in names
        ]
    )

    def select(self: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        bound = signature.bind(self, *args, **kwargs)
        given = [
            Arg(arguments[name], value, None)
            for name, value in bound.arguments.items()
            if name != "self"
        ]
        return self._select(function["name"], given)

    returns = function["returns"]
    if returns["kind"] == "OBJECT":

        def chain(self: Any, *args: Any, **kwargs: Any) -> Any:
            return getattr(dagger, returns["name"])(select(self, args, kwargs))

        return _dressed(chain, function, signature)

    async def run(self: Any, *args: Any, **kwargs: Any) -> Any:
        context = select(self, args, kwargs)
        element = returns.get("element")
        if element and element["kind"] == "OBJECT":
            return await context.execute_object_list(getattr(dagger, element["name"]))
        return await context.execute(_python_type(returns))

    return _dressed(run, function, signature)


def _python_type(returns: Json) -> Any:
    kind = returns["kind"]
    if kind == "VOID":
        return None
    if kind == "LIST":
        found: Any = list[_python_type(returns["element"])]  # type: ignore[misc]
    elif kind in _PLAIN:
        found = _PLAIN[kind]
    else:
        found = getattr(dagger, returns["name"], str)
    return found | None if returns.get("optional") else found


def _dressed(
    method: Callable[..., Any], function: Json, signature: inspect.Signature
) -> Callable[..., Any]:
    method.__name__ = python_name(function["name"])
    method.__doc__ = function.get("description", "")
    method.__signature__ = signature  # type: ignore[attr-defined]
    return method


__all__ = ["Enum", "add", "python_name"]
