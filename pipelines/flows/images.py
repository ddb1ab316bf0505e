"""The images of a run: each built when its service's checks have passed, then scanned."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pipelines.flows.graph import Task
from pipelines.flows.pipeline import Pipeline
from pipelines.flows.service_pipeline import ServicePipeline
from pipelines.model import Advisories, Kind
from pipelines.stages.build import Built
from pipelines.stages.judge import Judged


def add_builds(
    services: Iterable[ServicePipeline], checked: Mapping[str, Sequence[Task[Any]]]
) -> dict[str, Task[Built]]:
    """Add the builds, by service; each waits for its own service's checks."""
    return {each.service.name: each.build(checked.get(each.service.name, ())) for each in services}


def add_scans(
    pipeline: Pipeline,
    services: Sequence[ServicePipeline],
    built: Mapping[str, Task[Built]],
    wanted: Advisories = Advisories.OPTIONAL,
) -> list[Task[Judged]]:
    """Add the scans of images; what their packages are is known beforehand but for Dockerfiles."""
    unlisted = [
        built[each.service.name] for each in services if each.service.kind is Kind.DOCKERFILE
    ]
    knowledge = pipeline.knowledge(unlisted)
    return [each.scan(built[each.service.name], knowledge, wanted) for each in services]
