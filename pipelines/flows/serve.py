"""Run services as they are shipped, for people who develop them: the very images, no cluster."""

from collections.abc import Mapping
from graphlib import TopologicalSorter

import dagger
from dagger import dag

from pipelines.catalog import Catalog, read_catalog
from pipelines.flows.graph import OnFailure
from pipelines.flows.pipeline import Pipeline, Source
from pipelines.flows.service_pipeline import ServicePipeline
from pipelines.flows.verdict import conclude
from pipelines.model import Service
from pipelines.programs import program
from pipelines.stages.build import Built, archive_of
from pipelines.toolchains import python

_FORWARD = "/programs/forward.py"
_ABOVE = 10_000
"""How much higher than its own a service's port is when all run: 5000 and 8080 are a local registry's and ingress's."""


async def serve(source: Source, name: str) -> dagger.Service:
    """Start one service at its port, with those that it depends on beside it under their names."""
    catalog = await read_catalog(source.files)
    names = (name, *catalog.service(name).dependencies)
    running = await _start(source, catalog, catalog.select(names))
    return running[name]


async def serve_all(source: Source) -> dagger.Service:
    """Start every service; one address has them all, each at its port plus 10000."""
    catalog = await read_catalog(source.files)
    chosen = catalog.select()
    running = await _start(source, catalog, chosen)
    forwarder = python.base().with_new_file(_FORWARD, program("forward.py"))
    routes = [f"{_ABOVE + service.port}={service.name}:{service.port}" for service in chosen]
    for service in chosen:
        forwarder = forwarder.with_service_binding(
            service.name, running[service.name]
        ).with_exposed_port(_ABOVE + service.port, description=service.name)
    return forwarder.as_service(args=["python3", _FORWARD, *routes])


async def _start(
    source: Source, catalog: Catalog, services: tuple[Service, ...]
) -> dict[str, dagger.Service]:
    pipeline = Pipeline(source, services)
    built = {each.name: ServicePipeline(pipeline, each).build() for each in services}
    await conclude("Shipyard serve", await pipeline.board.run(OnFailure.FINISH))
    order = TopologicalSorter({each.name: each.dependencies for each in services}).static_order()
    running: dict[str, dagger.Service] = {}
    for name in order:
        builder = pipeline.builder.result
        running[name] = _service(catalog.service(name), built[name].result, builder, running)
    return running


def _service(
    service: Service,
    built: Built,
    builder: dagger.Container,
    running: Mapping[str, dagger.Service],
) -> dagger.Service:
    container = (
        dag.container()
        .import_(archive_of(built, builder))
        .with_exposed_port(service.port)
        # An engine's own init process comes before the image's.
        .with_env_variable("TINI_SUBREAPER", "1")
    )
    for name in service.dependencies:
        container = container.with_service_binding(name, running[name])
    return container.as_service(use_entrypoint=True)
