"""`search` of directories and files, and its results."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from drydock.engine.field import Call, attributes, field
from drydock.engine.tree import in_thread
from drydock.engine.tree.search import Found, Options, search_file, search_tree

from .directory import Directory
from .file import File


@dataclass(frozen=True)
class SearchSubmatch:
    """One match in a line; offsets in bytes."""

    graphql_type: ClassVar[str] = "SearchSubmatch"
    text: str
    start: int
    end: int


@dataclass(frozen=True)
class SearchResult:
    """One line (or several, for a multi-line search) that matched."""

    graphql_type: ClassVar[str] = "SearchResult"
    file_path: str
    line_number: int
    absolute_offset: int
    matched_lines: str
    submatches: tuple[SearchSubmatch, ...]


attributes("SearchSubmatch", "text", "start", "end")
attributes("SearchResult", "filePath", "lineNumber", "absoluteOffset", "matchedLines", "submatches")


def _shown(found: Found) -> SearchResult:
    parts = tuple(
        SearchSubmatch(text.decode(errors="replace"), start, end)
        for text, start, end in found.parts
    )
    lines = found.lines.decode(errors="replace")
    return SearchResult(found.path, found.line, found.offset, lines, parts)


@field("Directory.search")
async def search_directory(self: Directory, call: Call, **options: Any) -> list[SearchResult]:
    """Search the files of a directory."""
    async with self.mounted(call.runtime) as place:
        return [_shown(item) for item in await in_thread(search_tree, place, Options(**options))]


@field("File.search")
async def search_one_file(self: File, call: Call, **options: Any) -> list[SearchResult]:
    """Search one file."""
    wanted = Options(**options)
    async with self.mounted(call.runtime) as place:
        found = await in_thread(
            lambda: list(search_file(place, self.name, wanted.compiled(), wanted))
        )
    return [_shown(item) for item in (found[: wanted.limit] if wanted.limit else found)]
