"""The board of a run: its stages as tasks of a graph, each shown live, each with a verdict at the end.

A stage that serves others (installing tools, fetching a database) is a preparation: it is on the
board only when it failed, as its success says nothing about the service.
"""

import os
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

from dagger import telemetry
from opentelemetry.trace import Status as SpanStatus
from opentelemetry.trace import StatusCode

from pipelines.flows.graph import Graph, OnFailure, State, Task
from pipelines.flows.keys import Input
from pipelines.model import StageFailure, StageResult, Status
from pipelines.toolchains.run import explain

T = TypeVar("T")
_HIGHEST = 255
_FEWEST = 2
"""Of tasks at once: many of them only wait for the network."""


class Verdict(NamedTuple):
    """What a stage's result says: `note` in its line of the report, `remark` in a sentence below."""

    status: Status
    note: str = ""
    remark: str = ""


PASSED = Verdict(Status.PASSED)


@dataclass(frozen=True)
class Entry:
    """One line of the board; without `inputs` its answer is never known beforehand."""

    task: Task[Any]
    service: str
    stage: str
    hidden: bool
    reproduce: str
    judge: Callable[[], Verdict]
    inputs: tuple[Input, ...] | None


class Board:
    """Collects stages, runs them, tells the results in the order they were added."""

    def __init__(self) -> None:
        self._graph = Graph()
        self._entries: list[Entry] = []

    @property
    def entries(self) -> tuple[Entry, ...]:
        """What is on the board, in the order that it was added."""
        return tuple(self._entries)

    def stage(
        self,
        service: str,
        stage: str,
        run: Callable[[], Awaitable[T]],
        *,
        needs: Iterable[Task[Any]] = (),
        reproduce: str = "",
        judge: Callable[[T], Verdict] | None = None,
        inputs: Iterable[Input] | None = None,
    ) -> Task[T]:
        """Add a stage; `judge` turns what it made into status and note."""
        return self._add(service, stage, run, needs, reproduce, judge, inputs, hidden=False)

    def preparation(
        self,
        service: str,
        stage: str,
        run: Callable[[], Awaitable[T]],
        *,
        needs: Iterable[Task[Any]] = (),
        inputs: Iterable[Input] | None = None,
        fatal: bool = False,
    ) -> Task[T]:
        """Add a stage that is shown only when it fails; when a `fatal` one does, the run stops."""
        return self._add(service, stage, run, needs, "", None, inputs, hidden=True, fatal=fatal)

    async def run(self, on_failure: OnFailure) -> list[StageResult]:
        """Run everything and judge it."""
        await self._graph.run(on_failure, at_once=_at_once())
        return list(self.results().values())

    def results(self) -> dict[Task[Any], StageResult]:
        """Give what became of the stages; preparations are among them when they failed."""
        return {
            entry.task: _result(entry)
            for entry in self._entries
            if not entry.hidden or entry.task.state is State.FAILED
        }

    def _add(
        self,
        service: str,
        stage: str,
        run: Callable[[], Awaitable[T]],
        needs: Iterable[Task[Any]],
        reproduce: str,
        judge: Callable[[T], Verdict] | None,
        inputs: Iterable[Input] | None,
        *,
        hidden: bool,
        fatal: bool = False,
    ) -> Task[T]:
        name = f"{service}: {stage}" if service else stage
        task = self._graph.task(name, lambda: _shown(name, run), needs=needs, fatal=fatal)

        def verdict() -> Verdict:
            return judge(task.result) if judge else PASSED

        named = None if inputs is None else tuple(inputs)
        self._entries.append(Entry(task, service, stage, hidden, reproduce, verdict, named))
        return task


async def _shown(name: str, run: Callable[[], Awaitable[T]]) -> T:
    """Run inside a span, which is what people see as live progress."""
    tracer = telemetry.get_tracer()
    with tracer.start_as_current_span(name, record_exception=False) as span:
        try:
            return await run()
        except StageFailure as failure:
            span.set_status(SpanStatus(StatusCode.ERROR, str(failure)))
            raise


def _at_once() -> int:
    """Tell how many tasks the engine's cores can do at the same time; the engine says how many it has."""
    cores = os.environ.get("DAGGER_ENGINE_NUM_CPU", "")
    return max(_FEWEST, int(cores) if cores.isdigit() else os.cpu_count() or 1)


def _result(entry: Entry) -> StageResult:
    task = entry.task
    status, note, remark, code, output = Status.SKIPPED, "", "", 0, ""
    if task.state is State.DONE:
        status, note, remark = entry.judge()
    elif task.state is State.FAILED:
        status, code, output = Status.FAILED, *_words(task.error)
    elif task.because is not None:
        note = f"waits for {task.because.name}"
    else:
        note = "stopped early"
    return StageResult(
        service=entry.service,
        stage=entry.stage,
        status=status,
        seconds=task.seconds,
        exit_code=code,
        output=output,
        note=note,
        remark=remark,
        reproduce=entry.reproduce,
    )


def _words(error: Exception | None) -> tuple[int, str]:
    if isinstance(error, StageFailure):
        return _as_exit_code(error.exit_code), error.output
    told = explain(error) if error else "ended without a word"
    return _as_exit_code(getattr(error, "exit_code", 1)), told


def _as_exit_code(code: object) -> int:
    """Give what a process can end with; a container that could not be set up says -1."""
    return code if isinstance(code, int) and 0 < code <= _HIGHEST else 1
