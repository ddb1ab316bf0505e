"""Build images and hand them out as files."""

from collections.abc import Iterable

import dagger
from dagger import dag

from pipelines.catalog import read_catalog
from pipelines.flows.graph import OnFailure
from pipelines.flows.pipeline import Pipeline, Source
from pipelines.flows.service_pipeline import ServicePipeline
from pipelines.flows.verdict import conclude


async def build_layouts(source: Source, only: Iterable[str]) -> dagger.Directory:
    """Build the named services or all; return a directory with one OCI layout per service."""
    pipeline = Pipeline(source, (await read_catalog(source.files)).select(only))
    built = {each.name: ServicePipeline(pipeline, each).build() for each in pipeline.services}
    await conclude("Shipyard build", await pipeline.board.run(OnFailure.FINISH))
    layouts = dag.directory()
    for name, task in built.items():
        layouts = layouts.with_directory(name, task.result.layout)
    return layouts
