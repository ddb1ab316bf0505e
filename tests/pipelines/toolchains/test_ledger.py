"""The ledger: what was kept is recalled, whatever else lies in its file."""

from pathlib import Path

import pytest

from pipelines.toolchains.ledger import Entry, recall, remember
from tests.pipelines.ledgers import keep_in

ONE = Entry(key="one", status="passed", seconds=1.5, time="2026-11-25 10:00")
TWO = Entry(key="two", status="failed", seconds=0.2, time="2026-11-25 10:01")


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the ledger in a file of this machine."""
    return keep_in(tmp_path, monkeypatch)


async def test_nothing_is_known_at_first() -> None:
    assert await recall() == {}


async def test_what_was_kept_is_recalled() -> None:
    await remember([ONE])
    await remember([TWO])
    assert await recall() == {"one": ONE, "two": TWO}


async def test_the_newest_of_a_key_counts() -> None:
    newer = Entry(key="one", status="failed", seconds=3, time="2026-11-26 08:00")
    await remember([ONE, TWO])
    await remember([newer])
    assert await recall() == {"one": newer, "two": TWO}


@pytest.mark.parametrize(
    "line",
    [
        '{"key": "other", "status": "passed"}',
        '{"key": "other", "status": "passed", "seconds": 1, "time": "t", "colour": "red"}',
        '{"key": "oth',
        "[]",
    ],
)
async def test_lines_of_other_versions_are_passed_over(file: Path, line: str) -> None:
    await remember([ONE])
    with file.open("a") as kept:
        kept.write(line + "\n")
    assert await recall() == {"one": ONE}
    await remember([TWO])
    assert await recall() == {"one": ONE, "two": TWO}
