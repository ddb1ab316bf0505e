"""Is the code formatted? Black and isort say what they would change."""

from pipelines.stages.judge import judge
from pipelines.stages.workbench import CODE, SETTINGS, Workbench

_COMMANDS = [
    ["black", "--check", "--diff", "."],
    ["isort", "--check-only", "--diff", "."],
]


async def check_format(bench: Workbench) -> str:
    """Compare the code with how Black and isort would write it."""
    return await judge(bench.container(*CODE, *SETTINGS), _COMMANDS)
