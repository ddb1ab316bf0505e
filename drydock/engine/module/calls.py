"""Calls of functions: cached results, arguments that the engine fills in, and the run in the warm Python.

    arguments -> defaults (.env, context) -> key -> kept result | run -> result (evaluated) -> kept

The key is the digest of module, type, parent state, function and arguments. Results are kept over sessions for seven days,
or as the function says; failures never, and neither what derives from a secret set by name, whose value dies with the
session.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from drydock.engine.ask import ask, load
from drydock.engine.errors import EngineError
from drydock.engine.field import Call, snake_case
from drydock.engine.lazy import digest_of
from drydock.engine.module.environment import environment, own_packages
from drydock.engine.module.objects import (
    ModuleObject,
    from_function,
    member_shown,
    to_function,
)
from drydock.engine.module.source import context_value, short_digest
from drydock.engine.module.typedefs import Function, FunctionArg, TypeDef
from drydock.engine.module.warm import Invocation
from drydock.engine.process.secret_store import Secret, SessionSecrets

if TYPE_CHECKING:
    from drydock.engine.module.loaded import LoadedModule
    from drydock.engine.session import Client, SessionSchema
    from drydock.engine.types.query import Error

SPACE = "function"
SEVEN_DAYS = 7 * 24 * 3600.0
_ID_LENGTH = 32
_SCALARS = {"STRING_KIND", "INTEGER_KIND", "FLOAT_KIND", "BOOLEAN_KIND", "SCALAR_KIND"}


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


@dataclass(frozen=True)
class Target:
    """Which function of which object is called."""

    module: LoadedModule
    type_name: str  # in the API
    original_type: str  # in Python
    function: Function  # the constructor's original name is empty
    state: Mapping[str, Any] | None

    @property
    def is_constructor(self) -> bool:
        """Whether an object of the type is made."""
        return self.state is None

    @property
    def title(self) -> str:
        """The function's name in errors."""
        return self.function.original or self.original_type


async def call_function(target: Target, call: Call, given: Mapping[str, Any]) -> Any:
    """Return the domain value of a call; `given` holds loaded arguments by the resolver's names."""
    client = call.session.client
    inputs = await _inputs(target, call, given)
    key = await _key(target, call, inputs)
    if key and (kept := _kept(call, key)) is not None:
        call.span.cached()
        return await from_function(
            client, target.module, target.function.return_type, kept["value"]
        )
    call.span.status = "done"
    value = await _run(target, call, inputs)
    result = await from_function(client, target.module, target.function.return_type, value)
    await _evaluate(result)
    if key:
        await _keep(target, call, key, value)
    return result


class SessionResults:
    """Results that live as long as the session."""

    def __init__(self, _session: Any) -> None:
        self.kept: dict[str, Any] = {}


# ------------------------------------------------------------ arguments


async def _inputs(target: Target, call: Call, given: Mapping[str, Any]) -> dict[str, Any]:
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
            inputs[arg.original] = encoded
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
    return defaults.find("" if target.is_constructor else target.function.original, arg.original)


def _is_default(target: Target, arg: FunctionArg, value: Any) -> bool:
    if arg.default_value is None:
        return False
    default = json.loads(arg.default_value)
    if arg.type_def.as_enum is not None:
        default = member_shown(target.module.types.enum(arg.type_def.name), default)
    return bool(value == default)


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
    return await _address(target, call, type_def.name, text)


async def _address(target: Target, call: Call, kind: str, text: str) -> str:
    """Return the id of the object behind an address in `.env`; paths begin at its folder."""
    if kind in {"Directory", "File"} and not re.match(r"^[\w+.-]+:", text):
        text = str((target.module.source.root / Path(text).expanduser()).resolve())
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


# ------------------------------------------------------------ kept results


async def _key(target: Target, call: Call, inputs: Mapping[str, Any]) -> str:
    """Return the key of the result, empty if it must not be kept."""
    if target.function.policy == "Never":
        return ""
    try:
        state, arguments = await asyncio.gather(
            _stable(call, target.state), _stable(call, dict(inputs))
        )
    except EngineError:
        return ""  # a secret cannot be read; the function may never ask for it
    return digest_of(
        target.module.digest, target.type_name, target.function.original, state, arguments
    )


async def _stable(call: Call, value: Any) -> Any:
    """Replace the ids of provider secrets by what their values are known as."""
    if isinstance(value, Mapping):
        return {name: await _stable(call, item) for name, item in value.items()}
    if isinstance(value, list):
        return [await _stable(call, item) for item in value]
    if isinstance(value, str) and len(value) == _ID_LENGTH:
        recipe = call.runtime.nodes.find(value)
        if recipe is not None and recipe.type == "Secret":
            secret: Secret = await load(call.session.client, value)
            return await call.session.part(SessionSecrets).cache_identity(secret)
    return value


def _kept(call: Call, key: str) -> dict[str, Any] | None:
    found = call.session.part(SessionResults).kept.get(key)
    if found is None:
        found = call.runtime.state.index.get(SPACE, key)
    if isinstance(found, dict) and found.get("expires", 0) > time.time():
        return found
    return None


async def _keep(target: Target, call: Call, key: str, value: Any) -> None:
    ttl = target.function.ttl or SEVEN_DAYS
    entry = {"value": value, "expires": time.time() + ttl}
    if target.function.policy == "Default" and await _outlives(call, value):
        call.runtime.state.index.put(SPACE, key, entry)
    else:
        call.session.part(SessionResults).kept[key] = entry


async def _outlives(call: Call, value: Any) -> bool:
    """Return whether a result means something in another session: secrets set by name do not."""
    pending, seen = _ids(value), set[str]()
    while pending:
        id_ = pending.pop()
        if id_ in seen:
            continue
        seen.add(id_)
        recipe = call.runtime.nodes.find(id_)
        if recipe is None:
            continue
        if recipe.type == "Secret":
            secret = await load(call.session.client, id_)
            if not getattr(secret, "uri", ""):
                return False
        pending += [recipe.parent, *_ids(dict(recipe.args))]
    return True


def _ids(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [id_ for item in value.values() for id_ in _ids(item)]
    if isinstance(value, list):
        return [id_ for item in value for id_ in _ids(item)]
    return [value] if isinstance(value, str) and len(value) == _ID_LENGTH else []


async def _evaluate(result: Any) -> None:
    """Run what a returned container, directory or file still needs, inside of the function's span."""
    for item in result if isinstance(result, list) else [result]:
        for part in ("rootfs", "last", "tree"):
            lazy = getattr(item, part, None)
            if lazy is not None and not isinstance(item, ModuleObject) and hasattr(lazy, "get"):
                await lazy.get()


# ------------------------------------------------------------ running


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
            invocation = Invocation(
                env=variables,
                source=source,
                source_target=f"/src/{short_digest(module.digest)}/{module.source.subpath}".rstrip(
                    "/."
                ),
                root=root,
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


def client_of(call: Call) -> Client:
    """Return the client whose rights arguments are read with: the session's own."""
    return call.session.client
