"""The production build of an application that is compiled for browsers."""

from dataclasses import dataclass

import dagger

from pipelines.stages.judge import Judged, judge, run_all
from pipelines.stages.workbench import Workbench
from pipelines.toolchains.kinds import BUNDLE, Check


@dataclass(frozen=True)
class Bundle:
    """What was built: the files that are served."""

    judged: Judged
    files: dagger.Directory


async def build_bundle(bench: Workbench, asked: Check) -> Bundle:
    """Build; errors and exceeded budgets fail."""
    answers = await run_all(bench.container(asked), asked.commands)
    return Bundle(judge(answers), answers[0].container.directory(BUNDLE))
