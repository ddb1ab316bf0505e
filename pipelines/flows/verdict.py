"""How a run ends: a report that is returned, or a process that prints it and exits with its code.

An exception would always be exit code 1 of the command line; a failing process passes its own.
"""

import logging
from collections.abc import Sequence

import dagger

from pipelines.model import StageResult
from pipelines.reports import exit_code, render
from pipelines.toolchains import python


class VerdictError(Exception):
    """The report of a bad run, when not even a process to print it could be started."""


class _Once(logging.Filter):
    """Keeps one error out of a log."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    def filter(self, record: logging.LogRecord) -> bool:
        """Drop the record of this very error."""
        return not (record.exc_info and record.exc_info[1] is self._error)


async def conclude(title: str, results: Sequence[StageResult], ending: str = "") -> str:
    """Return the report of a good run; end a bad one with its first failing tool's exit code."""
    report = render(title, results, ending)
    code = exit_code(results)
    if code != 0:
        await end(report, code)
    return report


async def end(report: str, code: int) -> None:
    """Print a report in a process that exits with a code; the engine passes both on.

    The SDK would log a traceback of that process's error, which would bury the report.
    """
    command = ["sh", "-c", f"cat; exit {code}"]
    try:
        await python.base().with_exec(command, stdin=report).sync()
    except dagger.ExecError as error:
        if error.exit_code == code:
            logging.getLogger("dagger.mod").addFilter(_Once(error))
            raise
        raise VerdictError(report) from error
    except dagger.QueryError as error:
        raise VerdictError(report) from error
