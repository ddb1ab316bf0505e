"""How a run ends: a report that is returned, or a process that prints it and exits with its code.

An exception would always be exit code 1 of the command line; a failing process passes its own.
"""

from collections.abc import Sequence

from pipelines.model import StageResult
from pipelines.reports import exit_code, render
from pipelines.toolchains import python


async def conclude(title: str, results: Sequence[StageResult], ending: str = "") -> str:
    """Return the report of a good run; end a bad one with its first failing tool's exit code."""
    report = render(title, results, ending)
    code = exit_code(results)
    if code != 0:
        await end(report, code)
    return report


async def end(report: str, code: int) -> None:
    """Print a report in a process that exits with a code; the engine passes both on."""
    shown = python.base().with_new_file("/report.txt", report)
    await shown.with_exec(["sh", "-c", f"cat /report.txt; exit {code}"]).sync()
