"""Resolvers around modules: moduleSource, module, currentModule, currentFunctionCall, currentTypeDefs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from drydock.engine.ask import ask, load
from drydock.engine.engine import VERSION
from drydock.engine.errors import EngineError
from drydock.engine.field import Call, attributes, field
from drydock.engine.module.calls import ArgValue, FunctionCall
from drydock.engine.module.loaded import LoadedModule
from drydock.engine.module.loader import Modules, Registered
from drydock.engine.module.objects import ModuleObject
from drydock.engine.module.reported import Error
from drydock.engine.module.sdl import extend
from drydock.engine.module.source import ModuleSource, SDKConfig, resolve
from drydock.engine.module.typedefs import TypeDef

# ------------------------------------------------------------ the call a function runs in


@field("Query.currentFunctionCall", memo=False, scoped=True, quiet=True)
def current_function_call(_query: Any, call: Call) -> FunctionCall:
    """Return the call that the asking client was started for."""
    found = call.client.function_call
    if not isinstance(found, FunctionCall):
        raise EngineError(
            "no current function call: this client was not started by a module's function"
        )
    return found


attributes("FunctionCall", "name", "parentName", "parent", "inputArgs")
attributes("FunctionCallArgValue", "name", "value")


@field("FunctionCall.returnValue", memo=False, quiet=True)
def return_value(self: FunctionCall, _call: Call, *, value: str) -> None:
    """Take the function's result, as JSON text."""
    try:
        self.result, self.returned = json.loads(value), True
    except ValueError as error:
        raise EngineError(f"failed to unmarshal result: {error}") from error


@field("FunctionCall.returnError", memo=False, quiet=True)
def return_error(self: FunctionCall, _call: Call, *, error: Error) -> None:
    """Take the function's error."""
    self.error = error


# ------------------------------------------------------------ current module


@dataclass(frozen=True, eq=False)
class CurrentModule:
    """The module whose function asks."""

    graphql_type: ClassVar[str] = "CurrentModule"
    module: LoadedModule


@field("Query.currentModule", memo=False, scoped=True, quiet=True)
def current_module(_query: Any, call: Call) -> CurrentModule:
    """Return the module whose function asks."""
    found = call.client.function_call
    if not isinstance(found, FunctionCall) or found.module is None:
        raise EngineError("no current module: this client was not started by a module's function")
    return CurrentModule(found.module)


@field("CurrentModule.name", quiet=True)
def current_name(self: CurrentModule, _call: Call) -> str:
    """Return the module's name."""
    return self.module.name


@field("CurrentModule.source", scoped=True, quiet=True)
async def current_source(self: CurrentModule, call: Call) -> Any:
    """Return the module's own files as loaded, with the note on generated ones."""
    query = (
        "query($path: String!, $exclude: [String!]) { host { directory(path: $path, "
        'exclude: $exclude, gitignore: true) { withNewFile(path: ".gitattributes", '
        'contents: "/sdk/** linguist-generated\\n") { id } } } }'
    )
    source = self.module.source
    variables = {"path": str(source.root), "exclude": source.exclusions()}
    data = await ask(call.session.client, query, variables)
    return await load(call.session.client, data["host"]["directory"]["withNewFile"]["id"])


@field("CurrentModule.dependencies", scoped=True, quiet=True)
def current_dependencies(self: CurrentModule, _call: Call) -> Sequence[LoadedModule]:
    """Return the modules it depends on."""
    return self.module.dependencies


# ------------------------------------------------------------ module source


@field("Query.moduleSource", quiet=True)
async def module_source(
    _query: Any,
    call: Call,
    *,
    ref_string: str,
    ref_pin: str | None = None,
    disable_find_up: bool | None = None,
    allow_not_exists: bool | None = None,
    require_kind: str | None = None,
) -> ModuleSource:
    """Find the module that a reference names."""
    if ref_pin or (require_kind or "").startswith("GIT"):
        raise EngineError(
            "Drydock loads modules from local folders only; a real Dagger Engine knows git"
        )
    return await asyncio.to_thread(
        resolve,
        ref_string,
        call.session.workdir,
        find_up=not disable_find_up,
        required=not allow_not_exists,
    )


attributes("SDKConfig", "source", "debug")


@field("ModuleSource.asModule", quiet=True)
async def as_module(self: ModuleSource, call: Call) -> LoadedModule:
    """Load the module."""
    if not self.exists:
        raise EngineError(
            f'module source "{self.reference}" has no dagger.json: run dagger init first'
        )
    return await call.session.part(Modules).load(self, call)


@field("ModuleSource.sync", quiet=True)
async def source_sync(self: ModuleSource, call: Call) -> ModuleSource:
    """Read the module's files."""
    await self.read(call.session.client)
    return self


@field("ModuleSource.digest", quiet=True)
async def source_digest(self: ModuleSource, call: Call) -> str:
    """Return the digest of the module's files."""
    return (await self.read(call.session.client)).tree_digest


@field("ModuleSource.contextDirectory", quiet=True)
async def context_directory(self: ModuleSource, call: Call) -> Any:
    """Return the module's files."""
    return (await self.read(call.session.client)).directory


@field("ModuleSource.directory", quiet=True)
async def source_directory(self: ModuleSource, call: Call, *, path: str) -> Any:
    """Return a folder of the module's context, as it is."""
    query = "query($path: String!) { host { directory(path: $path) { id } } }"
    base = self.context if path.startswith("/") else self.root
    data = await ask(call.session.client, query, {"path": str(base / path.lstrip("/"))})
    return await load(call.session.client, data["host"]["directory"]["id"])


@field("ModuleSource.dependencies", quiet=True)
async def source_dependencies(self: ModuleSource, _call: Call) -> list[ModuleSource]:
    """Return the sources that it depends on."""
    return [
        await asyncio.to_thread(resolve, item.source, self.root, find_up=False)
        for item in self.config.dependencies
    ]


@field("ModuleSource.sdk", quiet=True)
def source_sdk(self: ModuleSource, _call: Call) -> SDKConfig | None:
    """Return the module's language, None if it has none."""
    return SDKConfig(self.config.sdk) if self.config.sdk else None


def _source_fact(name: str, read: Any) -> None:
    @field(f"ModuleSource.{name}", quiet=True)
    def fact(self: ModuleSource, _call: Call) -> Any:
        return read(self)

    fact.__qualname__ = f"ModuleSource.{name}"


_FACTS: dict[str, Any] = {
    "asString": lambda self: str(self.root),
    "cloneRef": lambda _: "",
    "commit": lambda _: "",
    "configClients": lambda _: [],
    "configExists": lambda self: self.exists,
    "engineVersion": lambda self: self.config.engine_version or VERSION,
    "htmlRepoURL": lambda _: "",
    "htmlURL": lambda _: "",
    "kind": lambda _: "LOCAL_SOURCE",
    "localContextDirectoryPath": lambda self: str(self.context),
    "moduleName": lambda self: self.config.name,
    "moduleOriginalName": lambda self: self.config.name,
    "originalSubpath": lambda self: self.subpath,
    "pin": lambda _: "",
    "repoRootPath": lambda self: str(self.context),
    "sourceRootSubpath": lambda self: self.subpath,
    "sourceSubpath": lambda self: str(Path(self.subpath) / self.config.source),
    "toolchains": lambda _: [],
    "version": lambda _: "",
}
for _name, _read in _FACTS.items():
    _source_fact(_name, _read)


# ------------------------------------------------------------ module


@field("Query.module", quiet=True)
def module(_query: Any, _call: Call) -> Registered:
    """Begin a module's registration."""
    return Registered()


@field("Query.__module", quiet=True)
async def known_module(_query: Any, call: Call, *, ref: str) -> LoadedModule:
    """Load the module of an id again."""
    source = await asyncio.to_thread(resolve, ref, call.session.workdir, find_up=False)
    return await call.session.part(Modules).load(source, call)


@field("Query.__moduleObject", quiet=True)
def known_object(_query: Any, call: Call, *, module: str, kind: str, state: str) -> ModuleObject:
    """Make the object of an id again."""
    found = call.session.part(Modules).by_digest(module)
    definition = found.types.object(kind)
    if definition is None:
        raise EngineError(f"module {found.name} has no type {kind}")
    return ModuleObject(found, definition, json.loads(state))


@field("Module.withDescription", quiet=True)
def with_description(self: Registered, _call: Call, *, description: str) -> Registered:
    """Set the text."""
    return replace(self, description=description)


@field("Module.withObject", quiet=True)
def with_object(self: Registered, _call: Call, *, object: TypeDef) -> Registered:  # noqa: A002
    """Add an object type."""
    return replace(self, objects=(*self.objects, object))


@field("Module.withInterface", quiet=True)
def with_interface(self: Registered, _call: Call, *, iface: TypeDef) -> Registered:
    """Add an interface type."""
    return replace(self, interfaces=(*self.interfaces, iface))


@field("Module.withEnum", quiet=True)
def with_enum(self: Registered, _call: Call, *, enum: TypeDef) -> Registered:
    """Add an enum type."""
    return replace(self, enums=(*self.enums, enum))


attributes("Module", "description")


@field("Module.name", quiet=True)
def module_name(self: LoadedModule | Registered, _call: Call) -> str:
    """Return the module's name."""
    return getattr(self, "name", "")


def _types(self: LoadedModule | Registered, kind: str) -> Sequence[TypeDef]:
    found: Sequence[TypeDef] = getattr(getattr(self, "types", self), kind)
    return found


@field("Module.objects", quiet=True)
def module_objects(self: LoadedModule | Registered, _call: Call) -> Sequence[TypeDef]:
    """Return the object types."""
    return _types(self, "objects")


@field("Module.interfaces", quiet=True)
def module_interfaces(self: LoadedModule | Registered, _call: Call) -> Sequence[TypeDef]:
    """Return the interface types."""
    return _types(self, "interfaces")


@field("Module.enums", quiet=True)
def module_enums(self: LoadedModule | Registered, _call: Call) -> Sequence[TypeDef]:
    """Return the enum types."""
    return _types(self, "enums")


@field("Module.dependencies", quiet=True)
def module_dependencies(self: LoadedModule, _call: Call) -> Sequence[LoadedModule]:
    """Return the modules it depends on."""
    return self.dependencies


@field("Module.sdk", quiet=True)
def module_sdk(self: LoadedModule, _call: Call) -> SDKConfig:
    """Return the module's language."""
    return SDKConfig(self.source.config.sdk)


@field("Module.source", quiet=True)
def module_source_of(self: LoadedModule, _call: Call) -> ModuleSource:
    """Return where it is from."""
    return self.source


@field("Module.sync", quiet=True)
def module_sync(self: LoadedModule, _call: Call) -> LoadedModule:
    """Return the module itself: it is loaded."""
    return self


@field("Module.serve", memo=False, quiet=True)
def serve(
    self: LoadedModule,
    call: Call,
    *,
    include_dependencies: bool | None = None,
    entrypoint: bool | None = None,
) -> None:
    """Let the asking client call the module."""
    served = [*(self.dependencies if include_dependencies else ()), self]
    for item in served:
        mounted = call.client.schema
        if mounted.schema.field("Query", item.field) is None:
            extended = extend(mounted, item, entrypoint=bool(entrypoint) and item is self)
            call.client.schema = extended


@field("Query.currentTypeDefs", memo=False, scoped=True, quiet=True)
def current_type_defs(
    _query: Any,
    call: Call,
    *,
    return_all_types: bool | None = None,
    hide_core: bool | None = None,
) -> list[TypeDef]:
    """Return the types of the modules that the client can call."""
    if not hide_core and return_all_types:
        call.span.log(
            "currentTypeDefs: Drydock lists the types of modules, not those of the core\n"
        )
    modules = call.session.part(Modules).all()
    return [
        item
        for found in modules
        for item in (*found.types.objects, *found.types.interfaces, *found.types.enums)
    ]


__all__ = ["ArgValue", "CurrentModule"]
