"""The ledger's program: run for real, killed for real, fed with what a crash leaves behind."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.programs import ledger

PROGRAM = Path(ledger.__file__)


def line(key: str, **values: object) -> str:
    """Write a line as the pipelines do."""
    return json.dumps({"key": key, **values})


def run(*arguments: object, stdin: str = "") -> "subprocess.CompletedProcess[str]":
    """Run the program."""
    command = [sys.executable, str(PROGRAM), *map(str, arguments)]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)


def add(file: Path, *lines: str) -> None:
    """Add lines, which must succeed quietly: what it writes would be shown to people."""
    done = run("add", file, stdin="".join(f"{each}\n" for each in lines))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def copied(file: Path) -> list[str]:
    """Copy the ledger elsewhere and read it there."""
    to = file.with_name("copy")
    done = run("copy", file, to)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return to.read_text().splitlines()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Name the ledger."""
    return tmp_path / "stages.jsonl"


def test_a_ledger_that_is_not_there_yet_is_empty(file: Path) -> None:
    assert copied(file) == []
    assert not file.exists()


def test_what_was_added_is_copied_in_its_order(file: Path) -> None:
    add(file, line("a", n=1), line("b", n=2))
    add(file, line("c", n=3))
    assert copied(file) == [line("a", n=1), line("b", n=2), line("c", n=3)]


def test_the_newest_line_of_a_key_counts_and_is_the_youngest(file: Path) -> None:
    add(file, line("a", n=1), line("b", n=2))
    add(file, line("a", n=3))
    assert copied(file) == [line("b", n=2), line("a", n=3)]


def test_the_newest_counts_within_one_addition_too(file: Path) -> None:
    add(file, line("a", n=1), line("a", n=2))
    assert copied(file) == [line("a", n=2)]


@pytest.mark.parametrize(
    "broken",
    [
        b'{"key": "c", "sta\n',
        b"\n",
        b"null\n",
        b'"key"\n',
        b"[1, 2]\n",
        b'{"name": "c"}\n',
        b'{"key": ["c"]}\n',
        b'{"key": 7}\n',
        b"\x00\x00\x00\x00\n",
        b"\xff\xfe torn \xc3\n",
    ],
)
def test_a_broken_line_costs_only_itself(file: Path, broken: bytes) -> None:
    add(file, line("a"))
    with file.open("ab") as kept:
        kept.write(broken)
    assert copied(file) == [line("a")]
    add(file, line("b"))
    assert copied(file) == [line("a"), line("b")]


def test_it_never_grows_over_its_limit_and_forgets_the_oldest(file: Path) -> None:
    add(file, *(line(str(number)) for number in range(ledger.LIMIT)))
    add(file, line("0"), line("new"))
    kept = copied(file)
    assert len(kept) == ledger.LIMIT
    assert kept[0] == line("2")
    assert kept[-2:] == [line("0"), line("new")]


def test_a_kill_before_the_whole_is_in_place_leaves_the_old_one(file: Path) -> None:
    """Killed by the very signal between the write and what puts it in place."""
    add(file, line("a"))
    script = (
        "import os, pathlib, signal, runpy, sys\n"
        "def die(self, target):\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "pathlib.Path.replace = die\n"
        f"sys.argv = ['ledger.py', 'add', {str(file)!r}]\n"
        f"runpy.run_path({str(PROGRAM)!r}, run_name='__main__')\n"
    )
    done = subprocess.run([sys.executable, "-c", script], input=line("b"), text=True, check=False)
    assert done.returncode == -9
    assert copied(file) == [line("a")]
    add(file, line("c"))
    assert copied(file) == [line("a"), line("c")]


@pytest.mark.parametrize("arguments", [[], ["add"], ["copy", "one"], ["take", "a", "b"]])
def test_a_wrong_call_tells_its_usage(arguments: list[str]) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "usage: ledger.py copy FILE TO | ledger.py add FILE\n"


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 9)), max_size=12))
@settings(max_examples=50, deadline=None)
def test_it_is_what_a_dictionary_would_be(
    tmp_path_factory: pytest.TempPathFactory, additions: list[tuple[str, int]]
) -> None:
    file = tmp_path_factory.mktemp("ledger") / "stages.jsonl"
    wanted: dict[str, int] = {}
    for key, number in additions:
        ledger.add(file, line(key, n=number))
        wanted.pop(key, None)
        wanted[key] = number
    assert list(ledger.read(file).values()) == [line(key, n=wanted[key]) for key in wanted]
