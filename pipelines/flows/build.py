"""Build images and hand them out as files."""

import dagger
from dagger import dag

from pipelines.catalog import read_catalog
from pipelines.flows.board import Board
from pipelines.flows.graph import OnFailure
from pipelines.flows.images import Source, open_line
from pipelines.flows.verdict import conclude


async def build_layouts(source: Source, service: str) -> dagger.Directory:
    """Build one service or all; return a directory with one OCI layout per service."""
    chosen = (await read_catalog(source.files)).select(service)
    board = Board()
    line = open_line(board, source, chosen)
    built = {each.name: line.build(each) for each in chosen}
    await conclude("Shipyard build", await board.run(OnFailure.FINISH))
    layouts = dag.directory()
    for name, task in built.items():
        layouts = layouts.with_directory(name, task.result.layout)
    return layouts
