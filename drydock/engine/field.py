"""The register of resolvers: which function answers `Container.withExec`.

Files under `types/` (and `module/`) register with `@field`; the walker looks up. Domain classes tell
their GraphQL type by the class variable `graphql_type`, or as instance attribute when a module defines
the type.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from dataclasses import field as attribute
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

if TYPE_CHECKING:
    from .engine import Engine
    from .session import Client, Session
    from .trace import Span

Resolve = Callable[..., Awaitable[Any] | Any]
R = TypeVar("R", bound=Resolve)


@dataclass(frozen=True)
class Resolver:
    """A registered function and how its results may be shared.

    `memo`: one session asks once for equal calls (off for what has effects or must be read anew; may
    depend on the arguments, by their GraphQL names).
    `scoped`: the answer differs between a session's clients (main client, function calls).
    `quiet`: no span; for cheap accessors.
    `verbose`: the span names arguments that hold their default, too.
    `below`: the path that errors below it name, where a real engine answers the field by other calls.
    """

    name: str
    resolve: Resolve
    memo: bool | Callable[[Mapping[str, Any]], bool] = True
    scoped: bool = False
    quiet: bool = False
    verbose: bool = False
    below: tuple[str, ...] = ()

    def remembers(self, args: Mapping[str, Any]) -> bool:
        """Return whether equal calls may share a result."""
        return self.memo(args) if callable(self.memo) else self.memo


@dataclass(frozen=True)
class Identity:
    """What names an object apart from the call that made it: a field that makes it again.

    A host directory, say, is the same whoever read it as long as its content is; its identity is
    `Identity("Query.__tree", {"snapshot": ..., "path": ...})`, so its id loads in every session.
    """

    field: str
    args: Mapping[str, Any] = attribute(default_factory=dict)


@runtime_checkable
class HasIdentity(Protocol):
    """An object that names itself."""

    @property
    def identity(self) -> Identity | None:
        """Return what names the object, None to be named by its call."""
        ...


@dataclass
class Call:
    """What a resolver may know about the call it answers."""

    session: Session
    client: Client
    runtime: Engine
    id: str  # the id of the object this call returns (for leaves: of this call)
    parent_id: str
    type_name: str
    field_name: str
    span: Span
    ids: Mapping[str, Any] = attribute(default_factory=dict)  # argument -> id(s) as given

    @property
    def name(self) -> str:
        """Return `Container.withExec`."""
        return f"{self.type_name}.{self.field_name}"


REGISTRY: dict[str, Resolver] = {}


def field(
    name: str,
    *,
    memo: bool | Callable[[Mapping[str, Any]], bool] = True,
    scoped: bool = False,
    quiet: bool = False,
    below: tuple[str, ...] = (),
) -> Callable[[R], R]:
    """Register a resolver `async def (self, call, *, snake_case_arguments)` for one schema field."""

    def register(resolve: R) -> R:
        if name in REGISTRY and REGISTRY[name].resolve.__qualname__ != resolve.__qualname__:
            raise ValueError(f"two resolvers for {name}")
        REGISTRY[name] = Resolver(name, resolve, memo=memo, scoped=scoped, quiet=quiet, below=below)
        return resolve

    return register


def attributes(type_name: str, *names: str) -> None:
    """Register fields that are attributes of the domain object (snake_case of the field's name)."""
    for name in names:
        REGISTRY[f"{type_name}.{name}"] = Resolver(
            f"{type_name}.{name}", _attribute(snake_case(name)), quiet=True
        )


def _attribute(attribute_name: str) -> Resolve:
    def read(self: Any, _call: Call) -> Any:
        return getattr(self, attribute_name)

    return read


_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def snake_case(name: str) -> str:
    """Return `redirectStdout` as `redirect_stdout`; Python keywords get a trailing underscore."""
    text = _WORDS.sub("_", name).lower()
    return f"{text}_" if text in {"from", "import", "global", "with", "as", "def"} else text


def graphql_type(value: Any) -> str:
    """Return the name of the GraphQL object type of a domain object."""
    found = getattr(value, "graphql_type", None)
    if not isinstance(found, str):
        raise TypeError(f"{type(value).__name__} is no domain object: it has no graphql_type")
    return found
