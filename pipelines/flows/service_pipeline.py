"""The pipeline of one service: its own stages wait for each other and for nobody else's."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from functools import cached_property
from typing import Any

import dagger

from pipelines.flows.board import Verdict
from pipelines.flows.graph import Task
from pipelines.flows.keys import Input
from pipelines.flows.pipeline import Pipeline
from pipelines.model import Advisories, Delivery, Kind, Service, Status
from pipelines.stages.audit import audit_dependencies
from pipelines.stages.build import (
    Built,
    build_dockerfile,
    build_image,
    lower_layers,
    own_files,
)
from pipelines.stages.bundle import Bundle, build_bundle
from pipelines.stages.check import check
from pipelines.stages.dockerfile import lint_dockerfile
from pipelines.stages.judge import Judged
from pipelines.stages.misconfiguration import find_misconfiguration
from pipelines.stages.sast import analyse
from pipelines.stages.scan import Knowledge, scan_image
from pipelines.stages.secrets import find_secrets
from pipelines.stages.subject import Subject
from pipelines.stages.test import run_tests
from pipelines.stages.workbench import Workbench, files_read, set_up
from pipelines.toolchains.calendar import this_quarter, this_week, today

MEGABYTE = 1_000_000
_SHORT = 12
QUALITY = ("format", "lint", "types", "test", "sast", "audit", "secrets", "misconfiguration")
"""The stages that look at a service's files, in the order that people read them."""
_WITHOUT_TOOLS: dict[str, Callable[[Subject], Awaitable[Judged]]] = {
    "sast": analyse,
    "audit": audit_dependencies,
    "secrets": find_secrets,
    "misconfiguration": find_misconfiguration,
}
_OF_A_DOCKERFILE: dict[str, Callable[[Subject], Awaitable[Judged]]] = {
    "lint": lint_dockerfile,
    "secrets": find_secrets,
    "misconfiguration": find_misconfiguration,
}


class ServicePipeline:
    """Puts the stages of a service on the board of a run."""

    def __init__(self, pipeline: Pipeline, service: Service) -> None:
        self.service = service
        self._pipeline = pipeline
        self._board = pipeline.board
        self._subject = pipeline.source.subject(service)

    def check(self, wanted: Iterable[str] = QUALITY) -> list[Task[Any]]:
        """Add the quality stages that the service's kind has, of those that are wanted."""
        added: dict[str, Task[Any]] = {}
        for stage in wanted:
            if stage in self._subject.toolchain.checks:
                compiled = self._subject.toolchain.compiles and stage == "test"
                after = [added["types"]] if compiled and "types" in added else []
                added[stage] = self._with_tools(stage, after)
            elif stage in self._without_tools:
                added[stage] = self._without(stage, self._without_tools[stage])
        return list(added.values())

    def build(self, checked: Iterable[Task[Any]] = ()) -> Task[Built]:
        """Add the build of the image; it starts when the service's own checks have passed."""
        after = list(checked)
        if self.service.kind is Kind.DOCKERFILE:
            return self._build(self._build_dockerfile, after)
        layers = self._board.preparation(
            self.service.name,
            "layers",
            lambda: lower_layers(self._subject, self._pipeline.builder.result),
            needs=[self._pipeline.builder],
        )
        bundle = self._bundle(after)

        async def assemble() -> Built:
            files = own_files(self._subject, bundle.result.files if bundle else None)
            return await build_image(
                self.service,
                files,
                layers.result,
                self._pipeline.commit.result,
                self._pipeline.builder.result,
            )

        return self._build(assemble, [layers, *([bundle] if bundle else []), *after])

    def scan(
        self,
        built: Task[Built],
        knowledge: Task[Knowledge],
        wanted: Advisories = Advisories.OPTIONAL,
    ) -> Task[Judged]:
        """Add the scan of the image."""
        return self._board.stage(
            self.service.name,
            "scan",
            lambda: scan_image(self._subject, built.result, knowledge.result, wanted),
            needs=[built, knowledge],
            inputs=[built, today(), wanted.value],
            reproduce=f"dagger call scan --service={self.service.name}",
            judge=judged,
        )

    @cached_property
    def bench(self) -> Task[Workbench]:
        """The service's tools, installed."""
        return self._board.preparation(self.service.name, "tools", lambda: set_up(self._subject))

    @cached_property
    def _described(self) -> list[Input]:
        """Give what counts for every stage: the service's description and its locks; not how it is delivered."""
        locks = self._subject.files.filter(include=list(self._subject.toolchain.locks or ("",)))
        return [repr(replace(self.service, delivery=Delivery())), locks]

    @cached_property
    def _manifests(self) -> dagger.Directory:
        return self._pipeline.source.files.filter(include=[self.service.manifests])

    @property
    def _without_tools(self) -> dict[str, Callable[[Subject], Awaitable[Judged]]]:
        return _OF_A_DOCKERFILE if self.service.kind is Kind.DOCKERFILE else _WITHOUT_TOOLS

    def _with_tools(self, stage: str, after: list[Task[Any]]) -> Task[Judged]:
        bench = self.bench

        async def run() -> Judged:
            if stage == "test":
                return await run_tests(bench.result)
            return await check(bench.result, stage)

        read = files_read(self._subject, self._subject.toolchain.checks[stage])
        return self._stage(stage, run, [bench, *after], [read, *self._described])

    def _without(self, stage: str, run: Callable[[Subject], Awaitable[Judged]]) -> Task[Judged]:
        read: list[Input] = [self._subject.files, *self._described]
        if stage != "sast":
            # What is accepted for a while, and what registries know, holds for a day.
            read.append(this_quarter() if stage == "audit" else today())
        if stage == "misconfiguration":
            read.append(self._manifests)
        return self._stage(stage, lambda: run(self._subject), [], read)

    def _stage(
        self,
        stage: str,
        run: Callable[[], Awaitable[Judged]],
        needs: list[Task[Any]],
        inputs: list[Input],
    ) -> Task[Judged]:
        return self._board.stage(
            self.service.name,
            stage,
            run,
            needs=needs,
            reproduce=f"dagger call {stage} --service={self.service.name}",
            judge=judged,
            inputs=inputs,
        )

    def _bundle(self, after: list[Task[Any]]) -> Task[Bundle] | None:
        asked = self._subject.toolchain.bundle()
        if asked is None:
            return None
        bench = self.bench
        return self._board.stage(
            self.service.name,
            "bundle",
            lambda: build_bundle(bench.result, asked),
            needs=[bench, *after],
            reproduce=f"dagger call build --service={self.service.name}",
            judge=lambda bundle: judged(bundle.judged),
            inputs=[self._subject.files, *self._described],
        )

    def _build(self, run: Callable[[], Awaitable[Built]], needs: list[Task[Any]]) -> Task[Built]:
        return self._board.stage(
            self.service.name,
            "build",
            run,
            needs=[self._pipeline.builder, self._pipeline.commit, *needs],
            reproduce=f"dagger call build --service={self.service.name}",
            judge=_judge_build,
            inputs=[self._subject.files, self._pipeline.history, this_week(), *self._described],
        )

    async def _build_dockerfile(self) -> Built:
        return await build_dockerfile(
            self._subject, self._pipeline.commit.result, self._pipeline.builder.result
        )


def judged(made: Judged) -> Verdict:
    """Take the verdict of a stage that says it itself."""
    return Verdict(made.status, made.note, made.remark)


def _judge_build(built: Built) -> Verdict:
    image = built.image
    digest = image.digest.removeprefix("sha256:")
    return Verdict(Status.PASSED, f"{image.unpacked / MEGABYTE:.1f} MB, {digest[:_SHORT]}")
