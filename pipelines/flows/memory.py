"""Running a board with the memory of earlier runs: what is known beforehand, and what is learned."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import anyio
import dagger

from pipelines.flows.board import Board
from pipelines.flows.graph import OnFailure, State, Task, first_cause
from pipelines.flows.keys import Input, keys_of, own_files
from pipelines.model import StageFailure, StageResult
from pipelines.toolchains import ledger
from pipelines.toolchains.ledger import Entry
from pipelines.toolchains.run import KILLED, explain

_LOG = logging.getLogger(__name__)


async def run(board: Board, on_failure: OnFailure, *, fresh: bool) -> list[StageResult]:
    """Run a board; results tell since when their stage has been known to say the same."""
    keys: dict[Task[Any], str] = {}
    known: dict[str, Entry] = {}

    async def look() -> None:
        try:
            keys.update(await keys_of(_inputs(board), own_files()))
        except* dagger.QueryError as errors:
            _LOG.warning("what stages read could not be digested: %s", explain(first_cause(errors)))
        else:
            known.update(await _recall())

    async with anyio.create_task_group() as group:
        group.start_soon(look)
        await board.run(on_failure)
    results, learned = [], []
    for task, result in board.results().items():
        key = keys.get(task, "") if _answered(task) else ""
        before = known.get(key)
        if before is not None and before.status == result.status and not fresh:
            saved = max(0.0, before.seconds - result.seconds)
            results.append(replace(result, since=before.time, saved=saved))
            continue
        results.append(result)
        if key:
            learned.append(_entry(key, result))
    await _remember(learned)
    return results


async def known_stages(board: Board) -> Mapping[Task[Any], Entry]:
    """Tell what earlier runs found out for the very inputs that the stages have now."""
    keys = await keys_of(_inputs(board), own_files())
    known = await _recall()
    return {task: known[key] for task, key in keys.items() if key in known}


def _inputs(board: Board) -> dict[Task[Any], tuple[Input, ...]]:
    return {entry.task: entry.inputs for entry in board.entries if entry.inputs is not None}


def _answered(task: Task[Any]) -> bool:
    """Whether a stage's tool gave an answer; to be killed is none, nor is an error of the engine."""
    if isinstance(task.error, StageFailure):
        return task.error.exit_code not in KILLED
    return task.state is State.DONE


def _entry(key: str, result: StageResult) -> Entry:
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M")
    return Entry(key=key, status=result.status, seconds=round(result.seconds, 2), time=now)


async def _recall() -> dict[str, Entry]:
    try:
        return await ledger.recall()
    except dagger.QueryError as error:
        _LOG.warning("the ledger of earlier runs could not be read: %s", explain(error))
        return {}


async def _remember(entries: Sequence[Entry]) -> None:
    if not entries:
        return
    try:
        await ledger.remember(entries)
    except dagger.QueryError as error:
        _LOG.warning("the ledger of earlier runs could not be written: %s", explain(error))
