"""Check services: their quality stages, everything at once."""

from collections.abc import Iterable

from pipelines.catalog import read_catalog
from pipelines.flows.board import Board
from pipelines.flows.graph import OnFailure
from pipelines.flows.images import Source, open_line
from pipelines.flows.quality import STAGES, add_quality
from pipelines.flows.verdict import conclude


async def check(
    source: Source,
    service: str,
    stages: Iterable[str] = tuple(STAGES),
    on_failure: OnFailure = OnFailure.FINISH,
) -> str:
    """Run quality stages of one service or of all; return the report or end with a tool's code."""
    chosen = (await read_catalog(source.files)).select(service)
    board = Board()
    for each in chosen:
        add_quality(board, each, source.files, source.fresh, stages)
    results = await board.run(on_failure)
    return await conclude("Shipyard check", results, "Everything passed.")


async def scan(source: Source, service: str) -> str:
    """Build and scan the images of one service or of all."""
    chosen = (await read_catalog(source.files)).select(service)
    board = Board()
    line = open_line(board, source, chosen)
    scanner = line.scanner()
    for each in chosen:
        line.scan(each, line.build(each), scanner)
    return await conclude("Shipyard scan", await board.run(OnFailure.FINISH))
