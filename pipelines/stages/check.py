"""Is the code formatted, does it keep the rules, do its types fit? The tools of its kind say."""

from pipelines.stages.judge import Judged, judge, run_all
from pipelines.stages.workbench import Workbench


async def check(bench: Workbench, stage: str) -> Judged:
    """Run what the service's kind has for `format`, `lint`, `types` or `test`."""
    asked = bench.subject.toolchain.checks[stage]
    return judge(await run_all(bench.container(asked), asked.commands))
