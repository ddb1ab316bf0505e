"""Running the commands of a stage side by side and judging them as one."""

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import anyio
import dagger

from pipelines.model import StageFailure, Status
from pipelines.toolchains.kinds import REPORTS
from pipelines.toolchains.run import Ran, run


@dataclass(frozen=True)
class Judged:
    """A stage that did not fail: what its tools wrote, in words and as report files."""

    output: str
    reports: tuple[dagger.Directory, ...] = ()
    status: Status = Status.PASSED
    note: str = ""
    remark: str = ""


class ToolFailure(StageFailure):
    """A tool said no; its reports tell where."""

    def __init__(
        self, exit_code: int, output: str, reports: Iterable[dagger.Directory] = ()
    ) -> None:
        super().__init__(exit_code, output)
        self.reports = tuple(reports)


async def run_all(container: dagger.Container, commands: Sequence[Sequence[str]]) -> list[Ran]:
    """Run every command, also after one failed; answer in their order."""
    answers: dict[int, Ran] = {}

    async def ask(position: int, command: Sequence[str]) -> None:
        ran = await run(container, list(command))
        if ran.exit_code != 0 and not ran.output.strip():
            told = f"{shlex.join(command)}: exit code {ran.exit_code}, and not a word\n"
            ran = Ran(ran.exit_code, told, ran.container)
        answers[position] = ran

    async with anyio.create_task_group() as group:
        for position, command in enumerate(commands):
            group.start_soon(ask, position, command)
    return [answers[position] for position in range(len(commands))]


def judge(answers: Sequence[Ran], reports: Sequence[dagger.Directory] | None = None) -> Judged:
    """Give what the tools wrote; raise ToolFailure with the first failing one's exit code."""
    output = "\n".join(filter(None, (ran.output.strip() for ran in answers)))
    written = tuple(ran.container.directory(REPORTS) for ran in answers)
    kept = written if reports is None else tuple(reports)
    code = next((ran.exit_code for ran in answers if ran.exit_code != 0), 0)
    if code != 0:
        raise ToolFailure(code, output, kept)
    return Judged(output, kept)


def last_line(output: str) -> str:
    """Give the last line that says something."""
    return next((line.strip() for line in reversed(output.splitlines()) if line.strip()), "")
