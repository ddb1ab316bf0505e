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
    """Write the report; `ending` is what a good end says."""
    failures = [result for result in results if failed(result)]
    parts = [title, table(results), *remarks(results), *memory(results)]
    parts += [block(failure) for failure in failures]
    if failures:
        names = ", ".join(failure.name for failure in failures)
        parts.append(f"{names} failed.")
    else:
        parts += [*not_made(results), *([ending] if ending else [])]
    return "\n\n".join(parts) + "\n"


def table(results: Sequence[StageResult]) -> str:
    """Write one line per stage, by service in the order that they come, the whole run's own at the end."""
    width = max((len(result.stage) for result in results), default=0)
    services = sorted(
        dict.fromkeys(result.service for result in results), key=lambda name: not name
    )
    lines = []
    for service in services:
        if service:
            lines.append(f"  {service}")
        indent = "    " if service else "  "
        for result in results:
            if result.service == service:
                name = f"{indent}{result.stage}"
                line = f"{name:<{width + 4}}  {_MARK[result.status]:<8}  {_time(result):>7}"
                lines.append(f"{line}  {result.note}".rstrip())
    return "\n".join(lines)


def remarks(results: Sequence[StageResult]) -> list[str]:
    """Write what is to be said of stages in a sentence, once for all services that it holds for."""
    said: dict[tuple[str, str], list[str]] = {}
    for result in results:
        if result.remark:
            said.setdefault((result.stage, result.remark), []).append(result.service)
    lines = []
    for (stage, remark), services in said.items():
        whose = ", ".join(filter(None, services))
        first, *more = remark.splitlines()
        lines.append(f"  {stage}{f' ({whose})' if whose else ''}: {first}")
        lines += [f"    {line}" for line in more]
    return ["\n".join(lines)] if lines else []


def memory(results: Sequence[StageResult]) -> list[str]:
    """Say how much of the run was known before, nothing when nothing was."""
    known = [result for result in results if result.since]
    if not known:
        return []
    saved = sum(result.saved for result in known)
    told = f"{len(known)} of {len(results)} stages had nothing new to read"
    return [f"{told}: {saved:.0f} s saved." if saved >= 1 else f"{told}."]


def not_made(results: Sequence[StageResult]) -> list[str]:
    """Name the stages that could not be made: what they look for is not known to be good."""
    names = [result.name for result in results if result.status is Status.NOT_MADE]
    return [f"Not made, see above: {', '.join(names)}."] if names else []


def block(result: StageResult) -> str:
    """Write what a failed stage's tool said, and how to run just that again."""
    output = result.output.strip() or "(the tool wrote nothing)"
    if len(output) > _OUTPUT_LIMIT:
        left_out = len(output) - _OUTPUT_LIMIT
        output = f"[{left_out} characters left out]\n{output[-_OUTPUT_LIMIT:]}"
    rule = f"--- {result.name} failed with exit code {result.exit_code} "
    lines = [f"{rule:-<80}", output, "-" * 80]
    if result.since:
        lines.append(f"The same answer as at {result.since} UTC; --fresh asks the tools again.")
    if result.reproduce:
        lines.append(f"Again, this alone: {result.reproduce}")
    return "\n".join(lines)


def _time(result: StageResult) -> str:
    return "" if result.status is Status.SKIPPED else f"{result.seconds:.1f} s"
