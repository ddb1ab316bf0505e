"""Check services: their quality stages, or the scan of their images, everything at once."""

from collections.abc import Iterable

from pipelines.catalog import read_catalog
from pipelines.flows import memory
from pipelines.flows.graph import OnFailure
from pipelines.flows.images import add_builds, add_scans
from pipelines.flows.pipeline import Pipeline, Source
from pipelines.flows.plan import write_plan
from pipelines.flows.selection import Request, changed, nothing_changed
from pipelines.flows.service_pipeline import QUALITY, ServicePipeline
from pipelines.flows.verdict import conclude

_TITLE = "Shipyard check"


async def check(source: Source, request: Request, stages: Iterable[str] = QUALITY) -> str:
    """Run quality stages; return the report or end with a tool's code."""
    catalog = await read_catalog(source.files)
    chosen = await changed(source, catalog.select(request.only), request)
    if not chosen:
        return nothing_changed(request)
    pipeline = Pipeline(source, chosen)
    for service in chosen:
        ServicePipeline(pipeline, service).check(stages)
    if request.plan:
        return await write_plan(_TITLE, pipeline.board)
    results = await memory.run(pipeline.board, request.on_failure, fresh=bool(source.fresh))
    return await conclude(_TITLE, results, "Nothing failed.")


async def scan(source: Source, only: Iterable[str]) -> str:
    """Build and scan the images of the named services or of all."""
    pipeline = Pipeline(source, (await read_catalog(source.files)).select(only))
    services = [ServicePipeline(pipeline, service) for service in pipeline.services]
    add_scans(pipeline, services, add_builds(services, {}))
    results = await memory.run(pipeline.board, OnFailure.FINISH, fresh=bool(source.fresh))
    return await conclude("Shipyard scan", results)
