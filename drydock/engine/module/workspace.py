"""`Workspace`: the folder a client works in, and what the module found from there offers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from drydock.engine.errors import EngineError
from drydock.engine.field import Call, attributes, field
from drydock.engine.module.checks import CheckGroup, checks_of
from drydock.engine.module.generators import GeneratorGroup, module_generators
from drydock.engine.module.loaded import LoadedModule
from drydock.engine.module.loader import Modules
from drydock.engine.module.services import UpGroup, module_services
from drydock.engine.module.source import resolve


@dataclass(frozen=True)
class Workspace:
    """The folder a client works in, with the module that is found from there upwards."""

    graphql_type: ClassVar[str] = "Workspace"
    address: str
    path: str = "."
    config_path: str = ""
    has_config: bool = False
    initialized: bool = False
    client_id: str = ""


attributes("Workspace", "address", "path", "configPath", "hasConfig", "initialized", "clientId")


@field("Query.currentWorkspace", memo=False, scoped=True, quiet=True)
def current_workspace(_query: Any, call: Call) -> Workspace:
    """Return the workspace of the session."""
    if call.client.function_call is not None:
        raise EngineError("a function cannot see its caller's workspace on Drydock")
    return Workspace(f"file://{call.session.workdir}", client_id=call.session.id)


async def _workspace_module(call: Call) -> LoadedModule:
    source = await asyncio.to_thread(resolve, ".", call.session.workdir)
    if not source.exists:
        raise EngineError("no module found in the current workspace")
    return await call.session.part(Modules).load(source, call)


@field("Workspace.checks", quiet=True)
async def workspace_checks(
    _self: Workspace,
    call: Call,
    *,
    include: Sequence[str] | None = None,
    no_generate: bool | None = None,
    only_generate: bool | None = None,
) -> CheckGroup:
    """List the checks of the workspace's module."""
    module = await _workspace_module(call)
    return checks_of(module, include, checks=not only_generate, generators=not no_generate)


@field("Workspace.generators", quiet=True)
async def workspace_generators(
    _self: Workspace, call: Call, *, include: Sequence[str] | None = None
) -> GeneratorGroup:
    """List the generators of the workspace's module."""
    return module_generators(await _workspace_module(call), call, include=include)


@field("Workspace.services", quiet=True)
async def workspace_services(
    _self: Workspace, call: Call, *, include: Sequence[str] | None = None
) -> UpGroup:
    """List the services of the workspace's module."""
    return module_services(await _workspace_module(call), call, include=include)
