"""The pipeline of a run: what all services share, prepared once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import dagger

from pipelines.flows.board import Board
from pipelines.flows.graph import Task
from pipelines.model import Commit, Service
from pipelines.stages.build import Built
from pipelines.stages.commit import read_commit
from pipelines.stages.scan import Knowledge, gather_knowledge
from pipelines.stages.subject import Subject
from pipelines.toolchains import debian


@dataclass(frozen=True)
class Source:
    """What a run works on: the repository's files, its git objects, and the nonce of a fresh run."""

    files: dagger.Directory
    git: dagger.Directory
    fresh: str

    def subject(self, service: Service) -> Subject:
        """Turn to one service."""
        return Subject(service, self.files, self.fresh)


class Pipeline:
    """The board of a run and the tasks that serve every service; each is added when it is first needed."""

    def __init__(self, source: Source, services: Sequence[Service]) -> None:
        self.board = Board()
        self.source = source
        self.services = tuple(services)

    @cached_property
    def builder(self) -> Task[dagger.Container]:
        """The container that unpacks packages, packs layers, asks git and pushes."""

        async def make() -> dagger.Container:
            return await debian.builder(self.source.fresh).sync()

        return self.board.preparation("", "builder", make)

    @cached_property
    def history(self) -> dagger.Directory:
        """Where git's branches stand: what changes with every commit."""
        return self.source.git.filter(include=[".git/HEAD", ".git/packed-refs", ".git/refs"])

    @cached_property
    def commit(self) -> Task[Commit]:
        """The commit that the run is made from."""
        return self.board.preparation(
            "",
            "commit",
            lambda: read_commit(
                self.builder.result, self.source.git, self.source.files, self.services
            ),
            needs=[self.builder],
        )

    def knowledge(self, built: Iterable[Task[Built]]) -> Task[Knowledge]:
        """Add what is known of vulnerabilities; `built` are images whose packages nobody listed."""
        tasks = list(built)
        return self.board.preparation(
            "",
            "advisories",
            lambda: gather_knowledge(
                self.builder.result,
                self.services,
                [task.result for task in tasks],
                self.source.fresh,
            ),
            needs=[self.builder, *tasks],
        )
