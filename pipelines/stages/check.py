"""Is the code formatted, does it keep the rules, do its types fit? The tools of its kind say."""

from pipelines.stages.judge import Judged, ToolFailure, judge, run_all
from pipelines.stages.workbench import Workbench

_CURE = {"format": "To have it written that way: dagger generate"}


async def check(bench: Workbench, stage: str) -> Judged:
    """Run what the service's kind has for `format`, `lint`, `types` or `test`."""
    asked = bench.subject.toolchain.checks[stage]
    try:
        return judge(await run_all(bench.container(asked), asked.commands))
    except ToolFailure as failure:
        told = f"{failure.output}\n{_CURE[stage]}" if stage in _CURE else failure.output
        raise ToolFailure(failure.exit_code, told, failure.reports) from None
