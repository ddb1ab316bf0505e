"""The API's types as plain data: what validation, coercion, introspection and the walker read.

Loaded from `schema.graphql` (through a cache file keyed by the text's digest, because parsing the
document costs more than everything else at the engine's start), and extended per session with the
types of a module. A `Schema` never changes: `with_types` returns another one.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graphql import language as ast

SDL_PATH = Path(__file__).with_name("schema.graphql")
_FORMAT = 2  # bump when the classes below change: it is part of the cache file's name
BUILTIN_SCALARS = ("Boolean", "Float", "ID", "Int", "String")


@dataclass(frozen=True, slots=True)
class TypeRef:
    """A type as written at a field or argument: a name, a list or non-null of another."""

    kind: str  # NAMED, LIST, NON_NULL
    name: str = ""
    of: TypeRef | None = None

    @property
    def base(self) -> str:
        """Return the innermost type's name."""
        return self.of.base if self.of else self.name

    @property
    def nullable(self) -> TypeRef:
        """Return the type without its outermost `!`."""
        return self.of if self.kind == "NON_NULL" and self.of else self

    def __str__(self) -> str:
        if self.kind == "LIST":
            return f"[{self.of}]"
        return f"{self.of}!" if self.kind == "NON_NULL" else self.name


@lru_cache(maxsize=4096)
def type_ref(text: str) -> TypeRef:
    """Parse `[String!]!` and the like."""
    if text.endswith("!"):
        return TypeRef("NON_NULL", of=type_ref(text[:-1]))
    if text.startswith("["):
        return TypeRef("LIST", of=type_ref(text[1:-1]))
    return TypeRef("NAMED", name=text)


@dataclass(frozen=True, slots=True)
class Directive:
    """A directive as applied; values are GraphQL literals."""

    name: str
    args: tuple[tuple[str, str], ...] = ()

    def value(self, name: str) -> str | None:
        """Return the literal given for an argument, None if absent."""
        return dict(self.args).get(name)


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument or input field. `default` is a GraphQL literal, None if there is none."""

    name: str
    type: str
    default: str | None = None
    description: str = ""
    deprecated: str | None = None
    directives: tuple[Directive, ...] = ()

    @property
    def ref(self) -> TypeRef:
        """Return the parsed type."""
        return type_ref(self.type)

    @property
    def required(self) -> bool:
        """Return whether a call must give it."""
        return self.type.endswith("!") and self.default is None

    @property
    def expected_type(self) -> str | None:
        """Return the object type an ID must be of; None for any."""
        for directive in self.directives:
            if directive.name == "expectedType":
                return (directive.value("name") or "").strip('"')
        return None


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an object or interface type."""

    name: str
    type: str
    args: Mapping[str, Argument] = field(default_factory=dict)
    description: str = ""
    deprecated: str | None = None
    directives: tuple[Directive, ...] = ()

    @property
    def ref(self) -> TypeRef:
        """Return the parsed type."""
        return type_ref(self.type)


@dataclass(frozen=True, slots=True)
class EnumValue:
    """One member of an enum."""

    name: str
    description: str = ""
    deprecated: str | None = None
    directives: tuple[Directive, ...] = ()


@dataclass(frozen=True, slots=True)
class Type:
    """A named type of any kind."""

    kind: str  # SCALAR, OBJECT, INTERFACE, UNION, ENUM, INPUT_OBJECT
    name: str
    description: str = ""
    fields: Mapping[str, Field] = field(default_factory=dict)
    inputs: Mapping[str, Argument] = field(default_factory=dict)
    values: Mapping[str, EnumValue] = field(default_factory=dict)
    interfaces: tuple[str, ...] = ()
    directives: tuple[Directive, ...] = ()

    @property
    def composite(self) -> bool:
        """Return whether a selection set belongs behind it."""
        return self.kind in {"OBJECT", "INTERFACE", "UNION"}


@dataclass(frozen=True, slots=True)
class DirectiveDef:
    """A directive's definition."""

    name: str
    args: Mapping[str, Argument]
    locations: tuple[str, ...]
    description: str = ""


@dataclass(frozen=True)
class Schema:
    """All types by name; `digest` names this very schema."""

    types: Mapping[str, Type]
    directives: Mapping[str, DirectiveDef]
    digest: str
    implementors: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def field(self, type_name: str, name: str) -> Field | None:
        """Return a field's definition, None if the type or field is unknown."""
        found = self.types.get(type_name)
        return found.fields.get(name) if found else None

    def is_a(self, type_name: str, condition: str) -> bool:
        """Return whether an object type is, or implements, another."""
        return type_name == condition or type_name in self.implementors.get(condition, ())

    def possible(self, type_name: str) -> frozenset[str]:
        """Return the object types a type may stand for at run time."""
        if self.types[type_name].kind == "OBJECT":
            return frozenset({type_name})
        return self.implementors.get(type_name, frozenset())

    def with_types(self, sdl: str) -> Schema:
        """Return this schema plus the types of a document; `extend type Query {...}` adds fields."""
        types, directives = _read(sdl)
        merged = dict(self.types)
        for name, (new, is_extension) in types.items():
            if is_extension:
                old = merged[name]
                merged[name] = replace(
                    old,
                    fields={**old.fields, **new.fields},
                    interfaces=tuple(dict.fromkeys((*old.interfaces, *new.interfaces))),
                )
            else:
                merged[name] = new
        digest = hashlib.sha256(f"{self.digest}\n{sdl}".encode()).hexdigest()
        return _schema(merged, {**self.directives, **directives}, digest)


def _schema(
    types: Mapping[str, Type], directives: Mapping[str, DirectiveDef], digest: str
) -> Schema:
    implementors: dict[str, set[str]] = {}
    for found in types.values():
        if found.kind == "OBJECT":
            for interface in found.interfaces:
                implementors.setdefault(interface, set()).add(found.name)
    frozen = {name: frozenset(names) for name, names in implementors.items()}
    return Schema(dict(sorted(types.items())), directives, digest, frozen)


def load_schema(cache: Path | None = None) -> Schema:
    """Load the core schema, from the cache directory when it holds this very text."""
    from .introspection_sdl import META_SDL  # imported here: it is only read when parsing

    text = SDL_PATH.read_text() + META_SDL
    digest = hashlib.sha256(f"{_FORMAT}\n{text}".encode()).hexdigest()
    saved = cache / f"schema-{digest[:32]}.pickle" if cache else None
    if saved and saved.is_file():
        # Our own file in a directory only root writes, named by the digest of its source.
        loaded: Schema = pickle.loads(saved.read_bytes())  # noqa: S301
        return loaded
    types, directives = _read(text)
    builtin = {name: Type("SCALAR", name) for name in BUILTIN_SCALARS}
    schema = _schema({**builtin, **{n: t for n, (t, _) in types.items()}}, directives, digest)
    if saved:
        saved.parent.mkdir(parents=True, exist_ok=True)
        partial = saved.with_suffix(f".{id(schema)}.tmp")
        partial.write_bytes(pickle.dumps(schema))
        partial.replace(saved)
    return schema


# ---------------------------------------------------------------- reading SDL


def _read(sdl: str) -> tuple[dict[str, tuple[Type, bool]], dict[str, DirectiveDef]]:
    """Parse a document into types (with a mark on extensions) and directive definitions."""
    from graphql.language import parse

    types: dict[str, tuple[Type, bool]] = {}
    directives: dict[str, DirectiveDef] = {}
    for node in parse(sdl, no_location=True).definitions:
        kind = node.kind
        if kind == "directive_definition":
            directives[node.name.value] = DirectiveDef(  # type: ignore[attr-defined]
                name=node.name.value,  # type: ignore[attr-defined]
                args=_arguments(node.arguments),  # type: ignore[attr-defined]
                locations=tuple(n.value for n in node.locations),  # type: ignore[attr-defined]
                description=_text(node),
            )
            continue
        found = _type(node)
        types[found.name] = (found, kind.endswith("_extension"))
    return types, directives


_KINDS = {
    "scalar": "SCALAR",
    "object": "OBJECT",
    "interface": "INTERFACE",
    "enum": "ENUM",
    "input_object": "INPUT_OBJECT",
}


def _type(node: Any) -> Type:
    kind = _KINDS[node.kind.partition("_type_")[0]]
    common: dict[str, Any] = {
        "kind": kind,
        "name": node.name.value,
        "description": _text(node),
        "directives": _directives(node)[0],
    }
    if kind == "ENUM":
        values = {}
        for value in node.values or ():
            directives, deprecated = _directives(value)
            name = value.name.value
            values[name] = EnumValue(name, _text(value), deprecated, directives)
        return Type(**common, values=values)
    if kind == "INPUT_OBJECT":
        return Type(**common, inputs=_arguments(node.fields))
    if kind == "SCALAR":
        return Type(**common)
    fields = {}
    for item in node.fields or ():
        directives, deprecated = _directives(item)
        fields[item.name.value] = Field(
            name=item.name.value,
            type=_print(item.type),
            args=_arguments(item.arguments),
            description=_text(item),
            deprecated=deprecated,
            directives=directives,
        )
    interfaces = tuple(n.name.value for n in node.interfaces or ())
    return Type(**common, fields=fields, interfaces=interfaces)


def _arguments(nodes: Any) -> dict[str, Argument]:
    found = {}
    for node in nodes or ():
        directives, deprecated = _directives(node)
        found[node.name.value] = Argument(
            name=node.name.value,
            type=_print(node.type),
            default=_print(node.default_value) if node.default_value else None,
            description=_text(node),
            deprecated=deprecated,
            directives=directives,
        )
    return found


def _directives(node: Any) -> tuple[tuple[Directive, ...], str | None]:
    """Return the applied directives except @deprecated, and its reason."""
    deprecated = None
    found = []
    for applied in node.directives or ():
        args = tuple((a.name.value, _print(a.value)) for a in applied.arguments or ())
        if applied.name.value == "deprecated":
            deprecated = applied.arguments[0].value.value if args else "No longer supported"
        else:
            found.append(Directive(applied.name.value, args))
    return tuple(found), deprecated


def _print(node: ast.Node) -> str:
    from graphql.language import print_ast

    return print_ast(node)


def _text(node: Any) -> str:
    return node.description.value if getattr(node, "description", None) else ""
