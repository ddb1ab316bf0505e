"""Do the types fit? mypy, as strict as the service's configuration says."""

from dagger import CacheSharingMode, dag

from pipelines.stages.judge import judge
from pipelines.stages.workbench import CODE, SETTINGS, Workbench


async def check_types(bench: Workbench) -> str:
    """Check the types; what mypy learned about unchanged files is kept for the next run."""
    container = bench.container(*CODE, *SETTINGS).with_mounted_cache(
        "/mypy",
        dag.cache_volume(f"shipyard-mypy-{bench.service.name}"),
        sharing=CacheSharingMode.LOCKED,
    )
    return await judge(container, [["mypy", "--cache-dir=/mypy", "."]])
