"""Write the files the way `format` wants them."""

import dagger

from pipelines.stages.judge import judge
from pipelines.stages.workbench import Workbench
from pipelines.toolchains.kinds import HOME, Check
from pipelines.toolchains.run import run


async def fix_format(bench: Workbench, fix: Check) -> dagger.Directory:
    """Give the service's folder, formatted; what is formatted already stays as it is."""
    container = bench.container(fix)
    for command in fix.commands:
        ran = await run(container, list(command))
        judge([ran])
        container = ran.container
    written = container.directory(HOME).filter(exclude=["node_modules"])
    # The tools work as a user of their own; whose the files are is no change of them.
    return bench.subject.files.with_directory("/", written, owner="0:0")
