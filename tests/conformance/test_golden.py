"""The recorded files are kept as they were recorded: no formatter, no edit, nothing added or lost."""

from __future__ import annotations

import hashlib
from pathlib import Path

HERE = Path(__file__).parent
GOLDEN = HERE / "golden"


def test_every_recorded_file_is_the_recorded_one() -> None:
    lines = (HERE / "golden.sha256").read_text().splitlines()
    recorded = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    found = {
        str(path.relative_to(GOLDEN)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in GOLDEN.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert found == recorded
