"""The plan of a run: its stages, what each waits for, and what is known beforehand; nothing is run."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pipelines.flows.board import Board, Entry
from pipelines.flows.graph import Task
from pipelines.flows.memory import known_stages
from pipelines.toolchains import ledger

_NAMED = 8
"""Stages that a line names; of more it names the first and counts the others."""


async def write_plan(title: str, board: Board) -> str:
    """Write what would run."""
    return render(title, board.entries, await known_stages(board))


def render(title: str, entries: Iterable[Entry], known: Mapping[Task[Any], ledger.Entry]) -> str:
    """Write one line per stage, by service; a preparation is told by what it waits for itself."""
    shown = {entry.task: entry for entry in entries if not entry.hidden}
    told = {task: _told(entry, known.get(task)) for task, entry in shown.items()}
    width = max((len(entry.stage) for entry in shown.values()), default=0)
    room = max(map(len, told.values()), default=0)
    services = dict.fromkeys(entry.service for entry in shown.values())
    lines = [f"{title}: the plan, nothing was run"]
    for service in services:
        lines += ["", f"  {service or 'all services'}"]
        for task, entry in shown.items():
            if entry.service == service:
                line = f"    {entry.stage:<{width}}  {told[task]:<{room}}  {_after(entry, shown)}"
                lines.append(line.rstrip())
    answered = [known[task] for task in shown if task in known]
    seconds = sum(each.seconds for each in answered)
    lines += ["", f"{len(answered)} of {len(shown)} stages are known; they took {seconds:.0f} s."]
    return "\n".join(lines) + "\n"


def _told(entry: Entry, known: ledger.Entry | None) -> str:
    if known is not None:
        return f"{known.status}, unchanged since {known.time}"
    return "runs" if entry.inputs is not None else "runs every time"


def _after(entry: Entry, shown: Mapping[Task[Any], Entry]) -> str:
    needed = [shown[task] for task in dict.fromkeys(_needed(entry.task, shown))]
    names = [each.stage if each.service == entry.service else each.task.name for each in needed]
    if len(names) > _NAMED:
        names = [*names[: _NAMED // 2], f"{len(names) - _NAMED // 2} others"]
    return f"after {', '.join(names)}" if names else ""


def _needed(task: Task[Any], shown: Mapping[Task[Any], Entry]) -> Iterator[Task[Any]]:
    for need in task.needs:
        if need in shown:
            yield need
        else:
            yield from _needed(need, shown)
