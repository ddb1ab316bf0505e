"""The quality stages of a service: one preparation, then all of them side by side."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import dagger

from pipelines.flows.board import Board, Verdict
from pipelines.flows.graph import Task
from pipelines.model import Service, Status
from pipelines.stages.format import check_format
from pipelines.stages.lint import check_rules
from pipelines.stages.test import run_tests, summarize
from pipelines.stages.types import check_types
from pipelines.stages.workbench import Workbench, set_up

STAGES: dict[str, Callable[[Workbench], Awaitable[str]]] = {
    "format": check_format,
    "lint": check_rules,
    "types": check_types,
    "test": run_tests,
}


def add_quality(
    board: Board,
    service: Service,
    source: dagger.Directory,
    fresh: str,
    stages: Iterable[str] = tuple(STAGES),
) -> list[Task[Any]]:
    """Put the named stages of a service on the board."""
    files = source.directory(service.path)
    bench = board.preparation(service.name, "tools", lambda: set_up(service, files, fresh))

    def add(stage: str) -> Task[str]:
        return board.stage(
            service.name,
            stage,
            lambda: STAGES[stage](bench.result),
            needs=[bench],
            reproduce=f"dagger call {stage} --service={service.name}",
            judge=_judge_test if stage == "test" else None,
        )

    return [add(stage) for stage in stages]


def _judge_test(output: str) -> Verdict:
    return Status.PASSED, summarize(output)
