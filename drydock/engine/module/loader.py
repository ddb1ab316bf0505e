"""Loading: from a module source to a `LoadedModule` with its types.

Types are asked from the SDK once per content of a module and kept in the state directory, so that loading it again starts
no Python. A module's dependencies are loaded first; their digests are part of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from drydock.engine.ask import load as load_object
from drydock.engine.engine import VERSION
from drydock.engine.errors import EngineError
from drydock.engine.field import Call
from drydock.engine.lazy import digest_of
from drydock.engine.module.calls import FunctionCall, run_sdk
from drydock.engine.module.config import check_engine_version
from drydock.engine.module.environment import Project, packages_for, require_python
from drydock.engine.module.loaded import LoadedModule
from drydock.engine.module.naming import camel, scoped, screaming
from drydock.engine.module.source import ModuleSource, resolve
from drydock.engine.module.typedefs import (
    EnumTypeDef,
    FieldTypeDef,
    Function,
    FunctionArg,
    InterfaceTypeDef,
    ListTypeDef,
    ModuleTypes,
    ObjectTypeDef,
    TypeDef,
    from_json,
    to_json,
)
from drydock.engine.module.user_defaults import UserDefaults, read_defaults

if TYPE_CHECKING:
    from drydock.engine.session import Session

SPACE = "module"
_FORMAT = 5  # of what is kept; part of every module's digest


@dataclass(frozen=True)
class Registered:
    """What a module's registration built up: the argument of returnValue names one of these."""

    graphql_type: ClassVar[str] = "Module"
    description: str = ""
    objects: tuple[TypeDef, ...] = ()
    interfaces: tuple[TypeDef, ...] = ()
    enums: tuple[TypeDef, ...] = ()


class Modules:
    """The modules of one session: each folder is loaded once."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._loaded: dict[Path, LoadedModule] = {}
        self._by_digest: dict[str, LoadedModule] = {}
        self._locks: dict[Path, asyncio.Lock] = {}

    async def load(
        self, source: ModuleSource, call: Call, chain: tuple[Path, ...] = ()
    ) -> LoadedModule:
        """Return the module of a source; EngineError says in which step it failed."""
        if source.root in chain:
            names = " -> ".join(path.name for path in (*chain, source.root))
            raise EngineError(f"module depends on itself: {names}")
        async with self._locks.setdefault(source.root, asyncio.Lock()):
            if source.root not in self._loaded:
                module = await _load(self, source, call, (*chain, source.root))
                self._loaded[source.root] = module
                self._by_digest[module.digest] = module
            return self._loaded[source.root]

    def all(self) -> list[LoadedModule]:
        """Return the modules that are loaded."""
        return list(self._loaded.values())

    def by_digest(self, digest: str) -> LoadedModule:
        """Return a module of this session; EngineError if it is not loaded."""
        if digest not in self._by_digest:
            raise EngineError(
                "the object belongs to a module that is not loaded in this session (or has changed since)"
            )
        return self._by_digest[digest]


async def _load(
    modules: Modules, source: ModuleSource, call: Call, chain: tuple[Path, ...]
) -> LoadedModule:
    config = source.config
    check_engine_version(config.engine_version, VERSION)
    if config.sdk not in {"python", ""}:
        raise EngineError(
            f'module "{config.name}" has the SDK "{config.sdk}"; Drydock runs modules in Python only, '
            "a real Dagger Engine runs the others"
        )
    dependencies = [
        await modules.load(_dependency(source, item.source), call, chain)
        for item in config.dependencies
    ]
    if config.toolchains:
        call.span.log(f"toolchains of {config.name} are ignored: Drydock does not load them\n")
    source = await source.read(call.session.client)
    digest = digest_of(
        _FORMAT,
        metadata.version("dagger-io"),
        config.name,
        source.subpath,
        await source.directory.tree.key(),
        source.directory.path,
        [module.digest for module in dependencies],
    )
    workdir = call.session.workdir
    defaults = await asyncio.to_thread(read_defaults, config.name, source.root, workdir)
    kept = call.runtime.state.index.get(SPACE, digest)
    if kept is not None and all(Path(path).is_dir() for path in kept["packages"]):
        return LoadedModule(
            source,
            digest,
            from_json(kept["types"]),
            Project(**{**kept["project"], "dependencies": tuple(kept["project"]["dependencies"])}),
            tuple(dependencies),
            tuple(Path(path) for path in kept["packages"]),
            defaults,
        )
    module = await _prepare(source, digest, dependencies, defaults, call)
    module = replace(module, types=_named(await _register(module, call), module))
    call.runtime.state.index.put(SPACE, digest, _as_json(module))
    return module


def _dependency(source: ModuleSource, reference: str) -> ModuleSource:
    found = resolve(reference, source.root, find_up=False)
    if not found.exists:
        raise EngineError(
            f'dependency "{reference}" of module "{source.config.name}" has no dagger.json'
        )
    return found


async def _prepare(
    source: ModuleSource,
    digest: str,
    dependencies: list[LoadedModule],
    defaults: UserDefaults,
    call: Call,
) -> LoadedModule:
    """Read the project's settings and install what it needs."""
    engine = call.runtime
    async with engine.snapshots.view(await source.directory.tree.get()) as tree:
        folder = tree / str(source.directory.path).strip("/") / source.config.source
        await asyncio.to_thread(require_python, folder)
        project = await asyncio.to_thread(Project.read, folder)
    store = engine.state.root / "python"
    store.mkdir(exist_ok=True)
    packages = await packages_for(
        project.dependencies, store, lambda text: call.span.log(f"{text}\n")
    )
    return LoadedModule(
        source, digest, ModuleTypes(), project, tuple(dependencies), packages, defaults
    )


def _as_json(module: LoadedModule) -> Mapping[str, Any]:
    return {
        "types": to_json(module.types),
        "project": {
            "name": module.project.name,
            "dependencies": list(module.project.dependencies),
            "entry_point": module.project.entry_point,
        },
        "packages": [str(path) for path in module.packages],
    }


async def _register(module: LoadedModule, call: Call) -> Registered:
    """Ask the SDK for the module's types."""
    function_call = FunctionCall(module, name="", parent_name="")
    code = await run_sdk(module, call, function_call, await module.inner_schema(call))
    failed = f'failed to call module "{module.name}" to get functions'
    if function_call.error is not None:
        error = EngineError(f"{failed}: {function_call.error.message}")
        error.mark_lazy(call.span.traceparent)
        raise error
    if code or not function_call.returned:
        error = EngineError(f"{failed}: exit code: {code}")
        error.mark_lazy(call.span.traceparent)
        raise error
    found = await load_object(call.session.client, str(function_call.result))
    if not isinstance(found, Registered):
        raise EngineError(f"{failed}: it registered a {type(found).__name__}")
    return found


# ------------------------------------------------------------ the API's names


@dataclass(frozen=True)
class _Names:
    """Which names are the module's own."""

    module: str
    own: frozenset[str] = field(default_factory=frozenset)

    def type(self, name: str) -> str:
        return scoped(name, self.module) if name in self.own else name


def _named(registered: Registered, module: LoadedModule) -> ModuleTypes:
    """Give everything a module registered its name in the API."""
    own = {t.name for t in (*registered.objects, *registered.interfaces, *registered.enums)}
    names = _Names(module.name, frozenset(own))
    plain = module.source.config.disable_default_caching
    return ModuleTypes(
        registered.description,
        tuple(_type(t, names, full=True, plain=plain) for t in registered.objects),
        tuple(_type(t, names, full=True, plain=plain) for t in registered.interfaces),
        tuple(_type(t, names, full=True, plain=plain) for t in registered.enums),
    )


def _type(type_def: TypeDef, names: _Names, *, full: bool = False, plain: bool = False) -> TypeDef:
    """Rename a type. References keep only its name; definitions (`full`) keep what is in it."""
    if type_def.as_list is not None:
        element = _type(type_def.as_list.element_type_def, names)
        return replace(type_def, as_list=ListTypeDef(element))
    if (found := type_def.as_object) is not None:
        if not full:
            return replace(type_def, as_object=ObjectTypeDef(names.type(found.name)))
        return replace(
            type_def,
            as_object=replace(
                found,
                name=names.type(found.name),
                fields=tuple(_field(item, names) for item in found.fields),
                functions=tuple(_function(item, names, plain=plain) for item in found.functions),
                constructor=(
                    _function(found.constructor, names, plain=plain) if found.constructor else None
                ),
                source_module_name=names.module,
            ),
        )
    if (enum := type_def.as_enum) is not None:
        if not full:
            return replace(type_def, as_enum=EnumTypeDef(names.type(enum.name)))
        members = tuple(replace(m, name=screaming(m.name)) for m in enum.members)
        named = replace(
            enum, name=names.type(enum.name), members=members, source_module_name=names.module
        )
        return replace(type_def, as_enum=named)
    if (face := type_def.as_interface) is not None:
        if not full:
            return replace(type_def, as_interface=InterfaceTypeDef(names.type(face.name)))
        functions = tuple(_function(item, names, plain=plain) for item in face.functions)
        return replace(
            type_def,
            as_interface=replace(
                face,
                name=names.type(face.name),
                functions=functions,
                source_module_name=names.module,
            ),
        )
    return type_def


def _field(item: FieldTypeDef, names: _Names) -> FieldTypeDef:
    return replace(item, name=camel(item.name), type_def=_type(item.type_def, names))


def _function(function: Function, names: _Names, *, plain: bool) -> Function:
    policy = "PerSession" if plain and function.policy == "Default" else function.policy
    return replace(
        function,
        name=camel(function.name),
        return_type=_type(function.return_type, names),
        args=tuple(_argument(arg, names) for arg in function.args),
        policy=policy,
        source_module_name=names.module,
    )


def _argument(arg: FunctionArg, names: _Names) -> FunctionArg:
    return replace(arg, name=camel(arg.name), type_def=_type(arg.type_def, names))
