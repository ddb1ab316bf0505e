"""Fetching again: when the network fails for a moment, and only then."""

import os
import subprocess
from pathlib import Path

import pytest

AGAIN = Path(__file__).parents[3] / "pipelines/programs/again.sh"


def again(tmp_path: Path, script: str) -> tuple[int, str, int]:
    """Run a script that way; return exit code, what was told, and how often it ran."""
    counted = f"echo >> {tmp_path}/tries; tries=$(wc -l < {tmp_path}/tries)\n{script}"
    done = subprocess.run(
        ["sh", AGAIN, "sh", "-c", counted],
        env={**os.environ, "AGAIN_PAUSE": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr, len((tmp_path / "tries").read_text())


@pytest.mark.parametrize(
    "words",
    [
        "E: Failed to fetch http://x/y  Unable to connect to x:http:",
        "Temporary failure resolving 'x'",
        "E: Failed to fetch http://x/y  502  Bad Gateway [IP: 1.2.3.4 80]",
        "E: Failed to fetch http://x/y  Hash Sum mismatch",
        "ERROR: HTTP error 503 while getting http://x/y",
        "NewConnectionError('<...>: Failed to establish a new connection')",
    ],
)
def test_what_the_network_failed_is_fetched_again(tmp_path: Path, words: str) -> None:
    script = f'[ $tries -ge 3 ] || {{ echo "{words}" >&2; exit 100; }}'
    code, told, tries = again(tmp_path, script)
    assert (code, tries) == (0, 3)
    assert told.splitlines()[0].startswith("try 1 failed, again in 0 s: ")


@pytest.mark.parametrize(
    "words",
    [
        "E: Unable to locate package nonesuch",
        "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.",
        "ERROR: No matching distribution found for flask==99",
    ],
)
def test_a_wrong_question_is_asked_once(tmp_path: Path, words: str) -> None:
    assert again(tmp_path, f'echo "{words}" >&2; exit 100') == (100, f"{words}\n", 1)


def test_a_network_that_stays_away_ends_with_the_last_words_and_the_code(tmp_path: Path) -> None:
    script = 'for line in $(seq 100); do echo "$line"; done; echo "Could not connect"; exit 7'
    code, told, tries = again(tmp_path, script)
    assert (code, tries) == (7, 4)
    assert told.endswith("100\nCould not connect\n")
    assert len(told.splitlines()) < 25


def test_what_succeeds_is_quiet(tmp_path: Path) -> None:
    assert again(tmp_path, "echo noise") == (0, "", 1)
