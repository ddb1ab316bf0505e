"""The types of the loaded module and of the core API, as the command line sees them.

The engine answers with plain JSON (`drydock/engine/module/describe.py` is the other side). Types of the core are asked for
one at a time, when a chain reaches them: there are 169, and a call sees two or three.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from drydock.cli.names import kebab

Json = Mapping[str, Any]
_HIDDEN = {"id", "sync"}


@dataclass(frozen=True)
class TypeRef:
    """A type as written at an argument or result. `kind` is STRING, INTEGER, FLOAT, BOOLEAN, VOID, LIST, OBJECT, ENUM, SCALAR or INTERFACE."""

    kind: str
    name: str = ""
    optional: bool = False
    element: TypeRef | None = None

    @classmethod
    def read(cls, data: Json) -> TypeRef:
        """Read the engine's JSON."""
        element = data.get("element")
        return cls(
            data["kind"],
            data.get("name", ""),
            data.get("optional", False),
            cls.read(element) if element else None,
        )

    @property
    def base(self) -> TypeRef:
        """The innermost element's type."""
        return self.element.base if self.element else self


@dataclass(frozen=True)
class Argument:
    """One argument of a function."""

    name: str
    type: TypeRef
    description: str = ""
    default: Any = None
    required: bool = True
    user_default: str | None = None
    ignore: tuple[str, ...] = ()  # what is left out of a directory that is given

    @classmethod
    def read(cls, data: Json) -> Argument:
        """Read the engine's JSON."""
        return cls(
            data["name"],
            TypeRef.read(data["type"]),
            data.get("description", ""),
            data.get("default"),
            data["required"],
            data.get("userDefault"),
            tuple(data.get("ignore", ())),
        )

    @property
    def flag(self) -> str:
        """The flag's name."""
        return kebab(self.name)


@dataclass(frozen=True)
class Function:
    """A function or field of an object."""

    name: str
    returns: TypeRef
    description: str = ""
    args: tuple[Argument, ...] = ()

    @classmethod
    def read(cls, data: Json) -> Function:
        """Read the engine's JSON."""
        return cls(
            data["name"],
            TypeRef.read(data["returns"]),
            data.get("description", ""),
            tuple(Argument.read(arg) for arg in data.get("args", ())),
        )

    @property
    def command(self) -> str:
        """The word on the command line."""
        return kebab(self.name)


@dataclass(frozen=True)
class ObjectType:
    """An object type with its functions."""

    name: str
    functions: tuple[Function, ...]
    description: str = ""


@dataclass
class Types:
    """Everything that can be called: the module (if any) and, on demand, the core."""

    module: str | None
    main: str
    entry: Function | None  # the constructor: a field of Query
    objects: dict[str, ObjectType] = field(default_factory=dict)
    enums: dict[str, tuple[str, ...]] = field(default_factory=dict)
    descriptions: dict[str, str] = field(default_factory=dict)
    fetch: Callable[[str], Json] | None = None

    @classmethod
    def read(cls, data: Json, fetch: Callable[[str], Json]) -> Types:
        """Read the engine's answer to a load; `fetch` asks for one core type."""
        entry = data.get("entry")
        types = cls(
            data.get("module"),
            data.get("main", ""),
            Function.read(entry) if entry else None,
            fetch=fetch,
        )
        types._add(data)
        return types

    def object(self, name: str) -> ObjectType:
        """Return an object type, asking the engine for one of the core."""
        self._need(name)
        return self.objects.get(name, ObjectType(name, ()))

    def members(self, name: str) -> tuple[str, ...]:
        """Return the member names of an enum."""
        self._need(name)
        return self.enums.get(name, ())

    def description(self, name: str) -> str:
        """Return the text of a type."""
        self._need(name)
        return self.descriptions.get(name, "")

    def callable(self, name: str) -> list[Function]:
        """Return the functions of an object that can be commands, sorted by name."""
        functions = self.object(name).functions
        found = [f for f in functions if f.name not in _HIDDEN and supported(f)]
        return sorted(found, key=lambda f: f.command)

    def skipped(self, name: str) -> list[str]:
        """Return the commands that are left out because of their argument types, sorted."""
        functions = self.object(name).functions
        return sorted(f.command for f in functions if not supported(f) and not _takes_interface(f))

    def _need(self, name: str) -> None:
        if name and name not in self.descriptions and self.fetch is not None:
            self.descriptions[name] = ""
            self._add(self.fetch(name))

    def _add(self, data: Json) -> None:
        for name, found in data.get("objects", {}).items():
            functions = tuple(Function.read(f) for f in found["functions"])
            self.objects[name] = ObjectType(name, functions, found.get("description", ""))
            self.descriptions[name] = found.get("description", "")
        for name, found in data.get("enums", {}).items():
            self.enums[name] = tuple(found["members"])
            self.descriptions[name] = found.get("description", "")
        for name, text in data.get("scalars", {}).items():
            self.descriptions[name] = text


# Object types that an argument on the command line can stand for.
ADDRESSABLE = frozenset(
    {
        "CacheVolume",
        "Container",
        "Directory",
        "File",
        "GitRef",
        "GitRepository",
        "Module",
        "ModuleSource",
        "Secret",
        "Service",
        "Socket",
    }
)
INPUTS = frozenset({"BuildArg", "PortForward"})
_PLAIN = frozenset({"STRING", "INTEGER", "FLOAT", "BOOLEAN", "ENUM", "SCALAR"})


def supported(function: Function) -> bool:
    """Return whether every required argument can be written as a flag."""
    return all(flaggable(arg.type) for arg in function.args if arg.required)


def flaggable(type_: TypeRef) -> bool:
    """Return whether values of a type can be written on the command line."""
    base = type_.base
    if type_.element is not None and type_.element.element is not None:
        return False
    return base.kind in _PLAIN or base.name in ADDRESSABLE or base.name in INPUTS


def _takes_interface(function: Function) -> bool:
    return any(arg.type.base.kind == "INTERFACE" for arg in function.args)
