"""Programs that run inside of tool containers, one file or folder each; with the standard library but for those of a tool.

The stages read their text with `program()` and put it into a container; nothing here is imported by
the pipelines. So each runs with whatever Python the container has.
"""

from pathlib import Path


def program(name: str) -> str:
    """Read the text of one program, e.g. `pack.py`."""
    return (Path(__file__).parent / name).read_text(encoding="utf-8")
