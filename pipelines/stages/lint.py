"""Does the code break a rule? flake8: what cannot run at all, then the service's own rules."""

from pipelines.stages.judge import judge
from pipelines.stages.workbench import CODE, SETTINGS, Workbench

_FATAL = "E9,F63,F7,F82"
_COMMANDS = [["flake8", "--isolated", f"--select={_FATAL}", "--show-source", "."], ["flake8", "."]]


async def check_rules(bench: Workbench) -> str:
    """Lint with the fatal classes, which no configuration can switch off, and with all rules."""
    return await judge(bench.container(*CODE, *SETTINGS), _COMMANDS)
