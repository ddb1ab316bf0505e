"""Running the commands of a quality stage side by side and judging them as one."""

import anyio
import dagger

from pipelines.model import StageFailure
from pipelines.toolchains.run import Ran, run


async def judge(container: dagger.Container, commands: list[list[str]]) -> str:
    """Run every command, also after one failed; return what they wrote.

    Raises StageFailure with the output of all and the first failing command's exit code.
    """
    answers: dict[int, Ran] = {}

    async def ask(position: int, command: list[str]) -> None:
        answers[position] = await run(container, command)

    async with anyio.create_task_group() as group:
        for position, command in enumerate(commands):
            group.start_soon(ask, position, command)
    ordered = [answers[position] for position in range(len(commands))]
    output = "\n".join(filter(None, (ran.output.strip() for ran in ordered)))
    code = next((ran.exit_code for ran in ordered if ran.exit_code != 0), 0)
    if code != 0:
        raise StageFailure(code, output)
    return output
