"""The images of the services: built, then scanned; nothing leaves the engine here."""

from dataclasses import dataclass

import dagger

from pipelines.flows.board import Board, Verdict
from pipelines.flows.graph import Task
from pipelines.model import Commit, Service, Status
from pipelines.stages.build import Built, build_image
from pipelines.stages.commit import read_commit
from pipelines.stages.exceptions import EXCEPTIONS
from pipelines.stages.scan import Scan, Scanner, prepare_scanner, scan_image
from pipelines.toolchains import debian

MEGABYTE = 1_000_000
_LOOKED_FOR = {"vuln": "vulnerabilities", "secret": "secrets"}


@dataclass(frozen=True)
class Source:
    """What a run works on: the repository's files, its git objects, and the nonce of a fresh run."""

    files: dagger.Directory
    git: dagger.Directory
    fresh: str


@dataclass(frozen=True)
class ImageLine:
    """The tasks that every service's image shares."""

    board: Board
    source: Source
    builder: Task[dagger.Container]
    commit: Task[Commit]

    def build(self, service: Service) -> Task[Built]:
        """Put the build of a service on the board."""
        files = self.source.files.directory(service.path)
        return self.board.stage(
            service.name,
            "build",
            lambda: build_image(service, files, self.commit.result, self.builder.result),
            needs=[self.builder, self.commit],
            reproduce=f"dagger call build --service={service.name}",
            judge=_judge_build,
        )

    def scanner(self) -> Task[Scanner]:
        """Put the fetching of the scanner's database on the board, once per run."""
        return self.board.preparation("", "scanner", lambda: prepare_scanner(self.source.fresh))

    def scan(self, service: Service, built: Task[Built], scanner: Task[Scanner]) -> Task[Scan]:
        """Put the scan of a service on the board."""
        return self.board.stage(
            service.name,
            "scan",
            lambda: scan_image(
                service, built.result, self.source.files, scanner.result, self.source.fresh
            ),
            needs=[built, scanner],
            reproduce=f"dagger call scan --service={service.name}",
            judge=_judge_scan,
        )


def open_line(board: Board, source: Source, services: tuple[Service, ...]) -> ImageLine:
    """Put on the board what the images need before the first is built."""

    async def make() -> dagger.Container:
        return await debian.builder(source.fresh).sync()

    builder = board.preparation("", "builder", make)
    commit = board.preparation(
        "",
        "commit",
        lambda: read_commit(builder.result, source.git, source.files, services),
        needs=[builder],
    )
    return ImageLine(board, source, builder, commit)


def _judge_build(built: Built) -> Verdict:
    image = built.image
    return Status.PASSED, f"{image.unpacked / MEGABYTE:.1f} MB, {image.digest}"


def _judge_scan(scan: Scan) -> Verdict:
    looked = ", ".join(_LOOKED_FOR.get(each, each) for each in scan.scanned)
    if scan.excepted:
        looked += f", but for what {EXCEPTIONS} accepts"
    if scan.missing:
        note = f"vulnerabilities NOT looked for, no database ({scan.missing}); clean of: {looked}"
        return Status.NOT_MADE, note
    return Status.PASSED, f"clean of: {looked}"
