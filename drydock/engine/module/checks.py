"""Checks: functions that pass or fail.

A generator counts as a check that passes when its changeset is empty.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from drydock.engine.ask import ask, load
from drydock.engine.errors import EngineError
from drydock.engine.field import Call, attributes, field
from drydock.engine.module.loaded import LoadedModule
from drydock.engine.module.members import Member, members
from drydock.engine.module.reported import Error

_EVALUATED = {"Container", "Directory", "File"}


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
