"""The reports of a run as files, also of a run that failed: for CI systems and for people.

What `ship` ran a moment ago is not run again: its answers, red ones too, come from the engine's cache.
"""

import json
from dataclasses import asdict
from typing import Any

import dagger
from dagger import dag

from pipelines.catalog import read_catalog
from pipelines.flows import memory
from pipelines.flows.graph import OnFailure, Task
from pipelines.flows.images import add_builds, add_scans
from pipelines.flows.pipeline import Pipeline, Source
from pipelines.flows.selection import Request, changed, nothing_changed
from pipelines.flows.service_pipeline import ServicePipeline
from pipelines.model import StageResult
from pipelines.reports import render
from pipelines.stages.bundle import Bundle
from pipelines.stages.judge import Judged, ToolFailure

_VERSION = 1


async def write_reports(source: Source, request: Request) -> dagger.Directory:
    """Check, build and scan; give `SERVICE/` with every tool's reports and words, and the whole as `report.json`."""
    catalog = await read_catalog(source.files)
    chosen = await changed(source, catalog.select(request.only), request)
    if not chosen:
        return _summed_up(nothing_changed(request), [])
    pipeline = Pipeline(source, chosen)
    services = [ServicePipeline(pipeline, service) for service in chosen]
    checked = {each.service.name: each.check() for each in services}
    add_scans(pipeline, services, add_builds(services, checked))
    results = await memory.run(pipeline.board, OnFailure.FINISH, fresh=bool(source.fresh))
    written = _summed_up(render("Shipyard report", results), results)
    for task, result in pipeline.board.results().items():
        written = await _add(written, task, result)
    return written


def describe(results: list[StageResult]) -> str:
    """Write the results for programs; `version` grows when a key changes its meaning."""
    stages = [
        {key: value for key, value in asdict(result).items() if key != "output"}
        for result in results
    ]
    return json.dumps({"version": _VERSION, "stages": stages}, indent=2, sort_keys=True) + "\n"


def _summed_up(summary: str, results: list[StageResult]) -> dagger.Directory:
    written = dag.directory().with_new_file("summary.txt", summary)
    return written.with_new_file("report.json", describe(results))


async def _add(written: dagger.Directory, task: Task[Any], result: StageResult) -> dagger.Directory:
    folder = result.service or "all"
    output, reports = _made(task)
    told = output or result.output
    if told.strip():
        written = written.with_new_file(f"{folder}/{result.stage}.txt", told.rstrip() + "\n")
    for directory in reports:
        # A tool that was killed, or could not start, has written none.
        if await _exists(directory):
            written = written.with_directory(folder, directory)
    return written


def _made(task: Task[Any]) -> tuple[str, tuple[dagger.Directory, ...]]:
    if isinstance(task.error, ToolFailure):
        return task.error.output, task.error.reports
    made = task.outcome
    judged = made.judged if isinstance(made, Bundle) else made
    return (judged.output, judged.reports) if isinstance(judged, Judged) else ("", ())


async def _exists(directory: dagger.Directory) -> bool:
    try:
        await directory.sync()
    except dagger.QueryError:
        return False
    return True
