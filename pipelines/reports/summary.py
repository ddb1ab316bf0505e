"""The text at the end of a run: a table of all stages, then each failure with its tool's own words."""

from collections.abc import Sequence

from pipelines.model import StageResult, Status

_MARK = {
    Status.PASSED: "ok",
    Status.FAILED: "FAILED",
    Status.NOT_MADE: "NOT MADE",
    Status.SKIPPED: "-",
}
_OUTPUT_LIMIT = 20_000
"""Characters of one failure; the engine keeps the last 100 KiB of a failing command's output."""


def exit_code(results: Sequence[StageResult]) -> int:
    """Give 0 when nothing failed, else the exit code of the first tool that did."""
    return next((result.exit_code or 1 for result in results if failed(result)), 0)


def failed(result: StageResult) -> bool:
    """Whether a stage failed itself."""
    return result.status is Status.FAILED


def render(title: str, results: Sequence[StageResult], ending: str = "") -> str:
    """Write the report; `ending` is the line of a good end."""
    failures = [result for result in results if failed(result)]
    parts = [title, table(results)]
    parts += [block(failure) for failure in failures]
    if failures:
        names = ", ".join(failure.name for failure in failures)
        parts.append(f"{names} failed.")
    elif ending:
        parts.append(ending)
    return "\n\n".join(parts) + "\n"


def table(results: Sequence[StageResult]) -> str:
    """Write one line per stage."""
    width = max((len(result.name) for result in results), default=0)
    lines = [
        f"  {result.name:<{width}}  {_MARK[result.status]:<8}  {_time(result):>7}  {result.note}"
        for result in results
    ]
    return "\n".join(line.rstrip() for line in lines)


def block(result: StageResult) -> str:
    """Write what a failed stage's tool said, and how to run just that again."""
    output = result.output.strip() or "(the tool wrote nothing)"
    if len(output) > _OUTPUT_LIMIT:
        left_out = len(output) - _OUTPUT_LIMIT
        output = f"[{left_out} characters left out]\n{output[-_OUTPUT_LIMIT:]}"
    rule = f"--- {result.name} failed with exit code {result.exit_code} "
    again = f"\nAgain, this alone: {result.reproduce}" if result.reproduce else ""
    return f"{rule:-<80}\n{output}\n{'-' * 80}{again}"


def _time(result: StageResult) -> str:
    return "" if result.status is Status.SKIPPED else f"{result.seconds:.1f} s"
