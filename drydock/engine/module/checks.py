"""Checks, generators and services: functions of a module that need nothing and are run by kind, not by name.

Found by walking from the main object over functions without required arguments; `quality:style` is the function `style` of
what `quality` returns. A generator counts as a check that passes when its changeset is empty.
"""

from __future__ import annotations

import asyncio
import fnmatch
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from drydock.engine.ask import ask, load
from drydock.engine.errors import EngineError
from drydock.engine.field import Call, attributes, field
from drydock.engine.module.loaded import LoadedModule
from drydock.engine.module.loader import Modules
from drydock.engine.module.naming import kebab
from drydock.engine.module.sdl import extend
from drydock.engine.module.source import resolve
from drydock.engine.module.typedefs import Function, ObjectTypeDef
from drydock.engine.types.query import Error

_EVALUATED = {"Container", "Directory", "File"}


@dataclass(frozen=True)
class Member:
    """A function found by its kind: the way to it from the main object."""

    module: LoadedModule
    functions: tuple[Function, ...]

    @property
    def name(self) -> str:
        """Its name as people write it: `workshop:quality:style`."""
        return ":".join([self.module.name, *self.path])

    @property
    def path(self) -> list[str]:
        """Its name's parts below the module."""
        return [kebab(function.name) for function in self.functions]

    @property
    def function(self) -> Function:
        """The function itself."""
        return self.functions[-1]

    @property
    def original_module(self) -> LoadedModule:
        """The module that defines it."""
        return self.module

    @property
    def description(self) -> str:
        """Its text."""
        return self.function.description

    def matches(self, patterns: Sequence[str] | None) -> bool:
        """Return whether any pattern names it or something above it; no pattern names all."""
        if not patterns:
            return True
        names = [self.name, ":".join(self.path)]
        return any(
            fnmatch.fnmatchcase(name, pattern) or name.startswith(f"{pattern}:")
            for pattern in patterns
            for name in names
        )

    def query(self, leaf: str) -> str:
        """Return the query that calls it."""
        text = leaf
        for function in reversed(self.functions):
            text = f"{function.name} {{ {text} }}" if text else function.name
        return f"{{ {self.module.field} {{ {text} }} }}"

    async def call(self, call: Call, leaf: str) -> Any:
        """Call it for the session's own client; return the field `leaf` of what it returns, or its plain result."""
        client = call.session.client
        if client.schema.schema.field("Query", self.module.field) is None:
            client.schema = extend(client.schema, self.module, entrypoint=True)
        data = await ask(client, self.query(leaf))
        for name in [self.module.field, *(function.name for function in self.functions)]:
            data = data[name]
        return data[leaf] if leaf else data


def members(module: LoadedModule, kind: str) -> Iterator[Member]:
    """Yield the functions of a kind (check, generator, up), in the order of their names."""
    found = list(_walk(module, module.main, (), kind, frozenset({module.main.name})))
    yield from sorted(found, key=lambda member: member.name)


def _walk(
    module: LoadedModule,
    definition: ObjectTypeDef,
    way: tuple[Function, ...],
    kind: str,
    seen: frozenset[str],
) -> Iterator[Member]:
    for function in definition.functions:
        if any(arg.required for arg in function.args):
            continue
        if getattr(function, kind):
            yield Member(module, (*way, function))
            continue
        below = module.types.object(function.return_type.name)
        if function.return_type.as_object is not None and below and below.name not in seen:
            yield from _walk(module, below, (*way, function), kind, seen | {below.name})


# ------------------------------------------------------------ checks


@dataclass(frozen=True)
class Check(Member):
    """A check, and how it went."""

    graphql_type: ClassVar[str] = "Check"
    generates: bool = False
    completed: bool = False
    passed: bool = False
    error: Error | None = None

    @property
    def check_type(self) -> str:
        """Whether it is a check of its own or a generator."""
        return "generate" if self.generates else "check"

    @property
    def result_emoji(self) -> str:
        """Its result as a sign."""
        if not self.completed:
            return ""
        return "🟢" if self.passed else "🔴"

    async def run(self, call: Call) -> Check:
        """Run it below a span of its own; a failure becomes part of the answer."""
        span = call.span.child(self.name)
        try:
            with span.active():
                await self._run(replace(call, span=span), span.traceparent)
        except EngineError as error:
            return replace(self, completed=True, passed=False, error=Error(error.text))
        return replace(self, completed=True, passed=True)

    async def _run(self, call: Call, traceparent: str) -> None:
        type_name = self.function.return_type.name
        if self.generates:
            if not await self.call(call, "isEmpty"):
                error = EngineError(
                    f"generate function {self.name} produced changes; "
                    f"run 'dagger generate {self.name}' to apply"
                )
                error.mark_lazy(traceparent)
                raise error
        elif self.function.return_type.as_object is not None:
            await self.call(call, "sync" if type_name in _EVALUATED else "id")
        else:
            await self.call(call, "")


@dataclass(frozen=True)
class CheckGroup:
    """Several checks."""

    graphql_type: ClassVar[str] = "CheckGroup"
    list: tuple[Check, ...]


attributes(
    "Check", "name", "path", "description", "completed", "passed", "error", "checkType",
    "resultEmoji", "originalModule",
)  # fmt: skip
attributes("CheckGroup", "list")


def checks_of(
    module: LoadedModule,
    include: Sequence[str] | None,
    *,
    checks: bool = True,
    generators: bool = True,
) -> CheckGroup:
    """Return the checks of a module that the patterns name."""
    found: list[Check] = []
    if checks:
        found += [Check(module, member.functions) for member in members(module, "check")]
    if generators:
        found += [
            Check(module, member.functions, generates=True)
            for member in members(module, "generator")
        ]
    return CheckGroup(tuple(check for check in found if check.matches(include)))


@field("Module.checks", quiet=True)
def module_checks(
    self: LoadedModule,
    _call: Call,
    *,
    include: Sequence[str] | None = None,
    no_generate: bool | None = None,
) -> CheckGroup:
    """List the module's checks."""
    return checks_of(self, include, generators=not no_generate)


@field("Module.check", quiet=True)
def module_check(self: LoadedModule, _call: Call, *, name: str) -> Check:
    """Return one check."""
    found = checks_of(self, [name]).list
    if not found:
        raise EngineError(f'check "{name}" not found in module "{self.name}"')
    return found[0]


@field("Check.run", memo=False, quiet=True)
async def run_check(self: Check, call: Call) -> Check:
    """Run the check."""
    return await self.run(call)


@field("CheckGroup.run", memo=False, quiet=True)
async def run_checks(self: CheckGroup, call: Call, *, fail_fast: bool | None = None) -> CheckGroup:
    """Run the checks side by side; `failFast` cancels the rest after the first failure."""
    tasks = {check: asyncio.ensure_future(check.run(call)) for check in self.list}
    try:
        for finished in asyncio.as_completed(tasks.values()):
            if not (await finished).passed and fail_fast:
                break
    finally:
        for task in tasks.values():
            task.cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)
    return CheckGroup(
        tuple(check if task.cancelled() else task.result() for check, task in tasks.items())
    )


@field("CheckGroup.report")
async def report(self: CheckGroup, call: Call) -> Any:
    """Return the results as a Markdown file."""
    rows = [
        f"| {check.name} | {check.description.strip().splitlines()[0] if check.description.strip() else ''} "
        f"| {check.result_emoji} |"
        for check in self.list
    ]
    text = "\n".join(
        ["| check | description | success |", "| ----- | ----------- | ------- |", *rows, ""]
    )
    query = 'query($text: String!) { file(name: "checks.md", contents: $text) { id } }'
    data = await ask(call.session.client, query, {"text": text})
    return await load(call.session.client, data["file"]["id"])


# ------------------------------------------------------------ generators


@dataclass(frozen=True)
class Generator(Member):
    """A generator, and what it would change (an id, once it ran)."""

    graphql_type: ClassVar[str] = "Generator"
    changeset: str = ""

    @property
    def completed(self) -> bool:
        """Whether it ran."""
        return bool(self.changeset)

    async def run(self, call: Call) -> Generator:
        """Run it below a span of its own."""
        span = call.span.child(self.name)
        with span.active():
            return replace(self, changeset=str(await self.call(call, "id")))


@dataclass(frozen=True)
class GeneratorGroup:
    """Several generators."""

    graphql_type: ClassVar[str] = "GeneratorGroup"
    list: tuple[Generator, ...]


attributes("Generator", "name", "path", "description", "completed", "originalModule")
attributes("GeneratorGroup", "list")


@field("Module.generators", quiet=True)
def module_generators(
    self: LoadedModule, _call: Call, *, include: Sequence[str] | None = None
) -> GeneratorGroup:
    """List the module's generators."""
    found = [Generator(self, member.functions) for member in members(self, "generator")]
    return GeneratorGroup(tuple(item for item in found if item.matches(include)))


@field("Generator.run", memo=False, quiet=True)
async def run_generator(self: Generator, call: Call) -> Generator:
    """Run the generator."""
    return await self.run(call)


@field("Generator.changes", memo=False, quiet=True)
async def generator_changes(self: Generator, call: Call) -> Any:
    """Return what it changes."""
    ran = self if self.completed else await self.run(call)
    return await load(call.session.client, ran.changeset)


@field("Generator.isEmpty", memo=False, quiet=True)
async def generator_is_empty(self: Generator, call: Call) -> bool:
    """Return whether it changes nothing."""
    return bool(await self.call(call, "isEmpty"))


@field("GeneratorGroup.run", memo=False, quiet=True)
async def run_generators(self: GeneratorGroup, call: Call) -> GeneratorGroup:
    """Run the generators side by side."""
    return GeneratorGroup(tuple(await asyncio.gather(*(item.run(call) for item in self.list))))


@field("GeneratorGroup.changes", memo=False, quiet=True)
async def group_changes(self: GeneratorGroup, call: Call, *, on_conflict: str | None = None) -> Any:
    """Return all changes as one changeset."""
    ran = await asyncio.gather(*(_ran(item, call) for item in self.list))
    client = call.session.client
    if not ran:
        data = await ask(client, "{ changeset { id } }")
        return await load(client, data["changeset"]["id"])
    first, *others = [item.changeset for item in ran]
    if not others:
        return await load(client, first)
    data = await ask(
        client,
        "query($id: ID!, $others: [ID!]!, $rule: ChangesetsMergeConflict) { node(id: $id) "
        "{ ... on Changeset { withChangesets(changes: $others, onConflict: $rule) { id } } } }",
        {"id": first, "others": others, "rule": on_conflict or "FAIL_EARLY"},
    )
    return await load(client, data["node"]["withChangesets"]["id"])


async def _ran(item: Generator, call: Call) -> Generator:
    return item if item.completed else await item.run(call)


@field("GeneratorGroup.isEmpty", memo=False, quiet=True)
async def group_is_empty(self: GeneratorGroup, call: Call) -> bool:
    """Return whether none changes anything."""
    return all(await asyncio.gather(*(item.call(call, "isEmpty") for item in self.list)))


# ------------------------------------------------------------ services


@dataclass(frozen=True)
class Up(Member):
    """A service of `dagger up`."""

    graphql_type: ClassVar[str] = "Up"

    async def run(self, call: Call) -> Up:
        """Start it and forward its ports until the asker leaves."""
        span = call.span.child(self.name)
        with span.active():
            await self.call(call, "up")
        return self


@dataclass(frozen=True)
class UpGroup:
    """Several services."""

    graphql_type: ClassVar[str] = "UpGroup"
    list: tuple[Up, ...]


attributes("Up", "name", "path", "description", "originalModule")
attributes("UpGroup", "list")


@field("Module.services", quiet=True)
def module_services(
    self: LoadedModule, _call: Call, *, include: Sequence[str] | None = None
) -> UpGroup:
    """List the module's services."""
    found = [Up(self, member.functions) for member in members(self, "up")]
    return UpGroup(tuple(item for item in found if item.matches(include)))


@field("Up.run", memo=False, quiet=True)
async def run_up(self: Up, call: Call) -> Up:
    """Start the service and stay."""
    return await self.run(call)


@field("UpGroup.run", memo=False, quiet=True)
async def run_ups(self: UpGroup, call: Call) -> UpGroup:
    """Start the services and stay."""
    await asyncio.gather(*(item.run(call) for item in self.list))
    return self


# ------------------------------------------------------------ workspace


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
