"""Pipelines without an engine: stages are put on a board, none is run."""

from collections.abc import Iterable, Iterator
from typing import Any

import dagger
from dagger import dag

from pipelines.flows.access import Access
from pipelines.flows.board import Entry
from pipelines.flows.graph import Task
from pipelines.flows.pipeline import Pipeline, Source
from pipelines.flows.service_pipeline import ServicePipeline
from pipelines.model import Service
from pipelines.toolchains.deliverer import ClusterAccess
from pipelines.toolchains.registry import RegistryAccess

NOWHERE = Access(RegistryAccess(None, "", None), ClusterAccess(None, None))


def source(fresh: str = "") -> Source:
    """Give a repository that nobody will look into."""
    return Source(dag.directory(), dag.directory(), fresh)


def pipelines_of(*services: Service) -> tuple[Pipeline, list[ServicePipeline]]:
    """Give an empty board and the pipelines that put stages on it."""
    pipeline = Pipeline(source(), services)
    return pipeline, [ServicePipeline(pipeline, service) for service in services]


def entries(pipeline: Pipeline) -> dict[str, Entry]:
    """Give what is on a board, by name."""
    return {entry.task.name: entry for entry in pipeline.board.entries}


def stages(pipeline: Pipeline) -> list[str]:
    """List the stages that people see, in their order."""
    return [entry.task.name for entry in pipeline.board.entries if not entry.hidden]


def needs(task: Task[Any]) -> set[str]:
    """Name what a task waits for itself."""
    return {need.name for need in task.needs}


def ancestors(task: Task[Any]) -> set[str]:
    """Name everything that has ended before a task starts."""
    return {need.name for need in _ancestors(task)}


def _ancestors(task: Task[Any]) -> Iterator[Task[Any]]:
    for need in task.needs:
        yield need
        yield from _ancestors(need)


def questions(directory: object) -> list[tuple[str, dict[str, Any]]]:
    """Tell how something is asked of an engine: the fields of its query with their arguments."""
    assert isinstance(directory, dagger.Directory | dagger.Container)
    return [(field.name, dict(field.args)) for field in directory._ctx.selections]


def words(inputs: Iterable[object] | None) -> list[str]:
    """Give the inputs that are words."""
    return [each for each in inputs or () if isinstance(each, str)]
