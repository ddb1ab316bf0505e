"""A service on its workbench: its tools installed, its files at hand, each stage given only what it reads."""

from dataclasses import dataclass

import dagger
from dagger import CacheSharingMode, dag

from pipelines.stages.subject import Subject
from pipelines.toolchains.kinds import Check


@dataclass(frozen=True)
class Workbench:
    """The container with a service's tools."""

    subject: Subject
    tools: dagger.Container

    def container(self, asked: Check) -> dagger.Container:
        """Put the files that a check reads before the tools."""
        container = self.subject.toolchain.at_hand(self.tools, files_read(self.subject, asked))
        if asked.cache:
            # One at a time: the tools that keep something do not expect another to write there.
            name = f"shipyard-{asked.cache.strip('/')}-{self.subject.service.name}"
            container = container.with_mounted_cache(
                asked.cache, dag.cache_volume(name), sharing=CacheSharingMode.LOCKED
            )
        fresh = self.subject.fresh
        return container.with_env_variable("SHIPYARD_FRESH", fresh) if fresh else container


def files_read(subject: Subject, asked: Check) -> dagger.Directory:
    """Give the files of a service that count for a check."""
    return subject.files.filter(include=list(asked.reads)) if asked.reads else subject.files


async def set_up(subject: Subject) -> Workbench:
    """Install the service's tools; every stage of the service then starts from the same container."""
    tools = subject.toolchain.workshop(subject.files, subject.fresh)
    return Workbench(subject, await tools.sync())
