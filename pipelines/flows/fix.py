"""Format services: the changes that `format` asks for, for people to look at and apply."""

from collections.abc import Iterable

import dagger

from pipelines.catalog import read_catalog
from pipelines.flows.board import Board
from pipelines.flows.graph import OnFailure, Task
from pipelines.flows.pipeline import Source
from pipelines.flows.verdict import conclude
from pipelines.stages.fix import fix_format
from pipelines.stages.subject import Subject
from pipelines.stages.workbench import set_up
from pipelines.toolchains.kinds import Check


async def fix_formatting(source: Source, only: Iterable[str]) -> dagger.Changeset:
    """Format the named services or all; services whose kind has no formatter stay as they are."""
    board = Board()
    fixed: dict[str, Task[dagger.Directory]] = {}
    for service in (await read_catalog(source.files)).select(only):
        subject = source.subject(service)
        if subject.toolchain.fix is not None:
            fixed[service.path] = _add(board, subject, subject.toolchain.fix)
    await conclude("Shipyard formatting", await board.run(OnFailure.FINISH))
    formatted = source.files
    for path, task in fixed.items():
        formatted = formatted.with_directory(path, task.result)
    return formatted.changes(source.files)


def _add(board: Board, subject: Subject, fix: Check) -> Task[dagger.Directory]:
    name = subject.service.name
    bench = board.preparation(name, "tools", lambda: set_up(subject))
    return board.stage(name, "formatting", lambda: fix_format(bench.result, fix), needs=[bench])
