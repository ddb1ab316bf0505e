"""The board of a run: its stages as tasks of a graph, each shown live, each with a verdict at the end.

A stage that serves others (installing tools, fetching a database) is a preparation: it is on the
board only when it failed, as its success says nothing about the service.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from dagger import telemetry
from opentelemetry.trace import Status as SpanStatus
from opentelemetry.trace import StatusCode

from pipelines.flows.graph import Graph, OnFailure, State, Task
from pipelines.model import StageFailure, StageResult, Status
from pipelines.toolchains.run import explain

T = TypeVar("T")
Verdict = tuple[Status, str]
_HIGHEST = 255
PASSED: Verdict = (Status.PASSED, "")


@dataclass(frozen=True)
class _Entry:
    task: Task[Any]
    service: str
    stage: str
    hidden: bool
    reproduce: str
    judge: Callable[[], Verdict]


class Board:
    """Collects stages, runs them, tells the results in the order they were added."""

    def __init__(self) -> None:
        self._graph = Graph()
        self._entries: list[_Entry] = []

    def stage(
        self,
        service: str,
        stage: str,
        run: Callable[[], Awaitable[T]],
        *,
        needs: Iterable[Task[Any]] = (),
        reproduce: str = "",
        judge: Callable[[T], Verdict] | None = None,
    ) -> Task[T]:
        """Add a stage; `judge` turns what it made into status and note."""
        return self._add(service, stage, run, needs, reproduce, judge, hidden=False)

    def preparation(
        self,
        service: str,
        stage: str,
        run: Callable[[], Awaitable[T]],
        *,
        needs: Iterable[Task[Any]] = (),
        fatal: bool = False,
    ) -> Task[T]:
        """Add a stage that is shown only when it fails; when a `fatal` one does, the run stops."""
        return self._add(service, stage, run, needs, "", None, hidden=True, fatal=fatal)

    async def run(self, on_failure: OnFailure) -> list[StageResult]:
        """Run everything and judge it."""
        await self._graph.run(on_failure)
        return [
            _result(entry)
            for entry in self._entries
            if not entry.hidden or entry.task.state is State.FAILED
        ]

    def _add(
        self,
        service: str,
        stage: str,
        run: Callable[[], Awaitable[T]],
        needs: Iterable[Task[Any]],
        reproduce: str,
        judge: Callable[[T], Verdict] | None,
        *,
        hidden: bool,
        fatal: bool = False,
    ) -> Task[T]:
        name = f"{service}: {stage}" if service else stage
        task = self._graph.task(name, lambda: _shown(name, run), needs=needs, fatal=fatal)

        def verdict() -> Verdict:
            return judge(task.result) if judge else PASSED

        self._entries.append(_Entry(task, service, stage, hidden, reproduce, verdict))
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


def _result(entry: _Entry) -> StageResult:
    task = entry.task
    status, note, code, output = Status.SKIPPED, "", 0, ""
    if task.state is State.DONE:
        status, note = entry.judge()
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
