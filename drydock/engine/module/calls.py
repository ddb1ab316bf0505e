"""Calls of functions: cached results, arguments that the engine fills in, and the run in the warm Python.

    arguments -> defaults (.env, context) -> key -> kept result | run -> result (evaluated) -> kept

What is kept, under which key and for how long, is the business of `kept.py`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from drydock.engine.errors import EngineError
from drydock.engine.field import Call
from drydock.engine.module import kept
from drydock.engine.module.environment import environment, own_packages
from drydock.engine.module.inputs import inputs_of
from drydock.engine.module.objects import ModuleObject, from_function
from drydock.engine.module.source import short_digest
from drydock.engine.module.target import Target
from drydock.engine.module.warm import Invocation
from drydock.engine.process.endpoints import SessionEndpoints
from drydock.engine.process.session_port import session_port
from drydock.runtime.bundle import resolver_of

if TYPE_CHECKING:
    from drydock.engine.module.loaded import LoadedModule
    from drydock.engine.module.reported import Error
    from drydock.engine.session import SessionSchema


@dataclass(frozen=True)
class ArgValue:
    """One argument as the function reads it; `value` is JSON text."""

    graphql_type: ClassVar[str] = "FunctionCallArgValue"
    name: str
    value: str


@dataclass(eq=False)
class FunctionCall:
    """What a running function may ask about itself, and where it leaves its result."""

    graphql_type: ClassVar[str] = "FunctionCall"
    module: LoadedModule | None
    name: str
    parent_name: str
    parent: str = "null"
    input_args: tuple[ArgValue, ...] = ()
    environ: Mapping[str, str] = field(default_factory=dict)
    result: Any = None
    returned: bool = False
    error: Error | None = None


async def call_function(target: Target, call: Call, given: Mapping[str, Any]) -> Any:
    """Return the domain value of a call; `given` holds loaded arguments by the resolver's names."""
    client = call.session.client
    inputs = await inputs_of(target, call, given)
    key = await kept.key_of(target, call, inputs)
    if key and (found := kept.find(call, key)) is not None:
        call.span.cached()
        return await from_function(
            client, target.module, target.function.return_type, found["value"]
        )
    call.span.status = "done"
    value = await _run(target, call, inputs)
    result = await from_function(client, target.module, target.function.return_type, value)
    await _evaluate(result)
    if key:
        await kept.keep(target, call, key, value)
    return result


async def _evaluate(result: Any) -> None:
    """Run what a returned container, directory or file still needs, inside of the function's span."""
    for item in result if isinstance(result, list) else [result]:
        for part in ("rootfs", "last", "tree"):
            lazy = getattr(item, part, None)
            if lazy is not None and not isinstance(item, ModuleObject) and hasattr(lazy, "get"):
                await lazy.get()


async def _run(target: Target, call: Call, inputs: Mapping[str, Any]) -> Any:
    """Run the function in the warm Python; return its JSON result."""
    function_call = FunctionCall(
        target.module,
        name=target.function.original,
        parent_name=target.original_type,
        parent=json.dumps(target.state),
        input_args=tuple(ArgValue(name, json.dumps(value)) for name, value in inputs.items()),
    )
    code = await run_sdk(target.module, call, function_call, await target.module.inner_schema(call))
    if function_call.error is not None:
        failure = function_call.error
        values = {value.name: json.loads(value.value) for value in failure.values}
        raise _lazy(EngineError(failure.message, values), call)
    if code != 0 or not function_call.returned:
        raise _lazy(
            EngineError(
                f'call function "{target.title}": exit code: {code}',
                {"_type": "EXEC_ERROR", "cmd": ["/runtime"], "exitCode": code, "stdout": "",
                 "stderr": ""},
            ),
            call,
        )  # fmt: skip
    return function_call.result


async def run_sdk(
    module: LoadedModule, call: Call, function_call: FunctionCall, schema: SessionSchema
) -> int:
    """Run the SDK's entry point for a call in its own client; return the exit code."""
    session, engine = call.session, call.runtime
    client = session.new_client(
        schema, call.span, scope=f"function:{call.span.id}", function_call=function_call
    )
    variables = environment(module.name, module.project, engine.port, client.token, call.span.w3c)
    function_call.environ = variables
    try:
        async with AsyncExitStack() as stack:
            directory = module.source.directory
            tree = await stack.enter_async_context(
                engine.snapshots.view(await directory.tree.get())
            )
            source = tree / str(directory.path).strip("/")
            root = await asyncio.to_thread(engine.state.fresh, "function")
            stack.callback(root.rmdir)
            endpoints = session.part(SessionEndpoints)
            endpoint = await endpoints.take()
            stack.callback(endpoints.give_back, endpoint)
            await stack.enter_async_context(session_port(engine, endpoint))
            invocation = Invocation(
                env=variables,
                source=source,
                source_target=f"/src/{short_digest(module.digest)}/{module.source.subpath}".rstrip(
                    "/."
                ),
                root=root,
                network=endpoint.namespace,
                resolver=resolver_of(endpoint),
                subfolder=module.source.config.source,
                packages=tuple(str(path) for path in module.packages),
                packages_own=await asyncio.to_thread(
                    own_packages, source / module.source.config.source
                ),
                entry_point=module.project.entry_point,
                bindings=module.bindings(),
            )
            return await engine.warm_python.call(invocation, call.span.log)
    finally:
        await session.drop_client(client)


def _lazy(error: EngineError, call: Call) -> EngineError:
    error.mark_lazy(call.span.traceparent)
    return error
