"""hadolint, which says whether a Dockerfile keeps the rules."""

import dagger
from dagger import dag

from pipelines.programs import program
from pipelines.toolchains import python
from pipelines.toolchains.pinned import pinned
from pipelines.toolchains.run import Ran, run

_REPORTS = "/reports"
_PROGRAM = "/programs/lint_dockerfile.py"


async def lint(files: dagger.Directory, fresh: str, *, path: str = "service") -> Ran:
    """Lint a service's Dockerfile; `path` is how findings name its folder.

    Exit code 0: no warning; 1: warnings or errors; 2: hadolint could not look.
    """
    container = (
        python.install(python.base(), pinned("hadolint"), ["requirements.txt"])
        .with_directory(_REPORTS, dag.directory())
        .with_new_file(_PROGRAM, program("lint_dockerfile.py"))
        .with_mounted_directory(f"/repository/{path}", files.filter(include=["Dockerfile"]))
        .with_workdir("/repository")
    )
    if fresh:
        container = container.with_env_variable("SHIPYARD_FRESH", fresh)
    command = ["python", _PROGRAM, f"{path}/Dockerfile", f"{_REPORTS}/lint.sarif"]
    return await run(container, command)
