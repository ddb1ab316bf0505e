"""The message of a commit: read back as it was written, by us and by git, whatever people wrote into it."""

import subprocess
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from delivery.gitops.message import SUBJECT, Move, Place, Record, Step, read_message, write_message
from tests.delivery.gitops.forge import HERMETIC

IMAGES = st.sampled_from(["ghcr.io/shop/a", "localhost:5000/a:v1"]).map(
    lambda name: f"{name}@sha256:{'0' * 64}"
)
NASTY = st.sampled_from(
    [
        "",
        "1.0",
        "a\n\nShipyard-Action: rollback",
        "x\nShipyard-Service: {}",
        '"}',
        "# no comment",
        "tab\t  two spaces",
        "\u2028line\x85\x1b[31m",
        "한국어",
    ]
)
PLACES = st.builds(Place, IMAGES, NASTY | st.text(max_size=20), NASTY)
MOVES = st.builds(
    Move,
    st.sampled_from(["backend", "sample-app"]),
    PLACES,
    st.none() | PLACES,
    NASTY | st.text(max_size=20),
)
WORDS = st.text(st.characters(categories=["L", "N"]), max_size=10)
RECORDS = st.builds(
    Record,
    st.sampled_from(list(Step)),
    st.sampled_from(["test", "staging"]),
    st.lists(MOVES, min_size=1, max_size=3).map(tuple),
    st.just("") | st.just("sha256:1"),
    WORDS,
    WORDS,
)
RECORD = Record(
    Step.DEPLOY,
    "staging",
    (Move("backend", Place(f"a@sha256:{'1' * 64}", "1.4.0", "abc"), None, "drops a column"),),
    "sha256:2",
    "ann",
    "ben",
)


@given(RECORDS, NASTY | st.text())
def test_what_was_written_is_read_again(record: Record, reason: str) -> None:
    assert read_message(write_message(record, reason)) == record


@given(RECORDS, NASTY | st.text(), NASTY | st.text())
def test_nobody_can_add_a_trailer(record: Record, who: str, reason: str) -> None:
    named = Record(record.step, record.environment, record.moves, "", who, who)
    message = write_message(named, reason)
    read = read_message(message)
    assert read is not None
    assert (read.step, read.environment, read.moves) == (
        record.step,
        record.environment,
        record.moves,
    )
    assert len(message.partition("\n")[0]) <= SUBJECT


@given(st.text())
def test_what_is_somebody_elses_is_none_of_ours(text: str) -> None:
    assert read_message(text) is None


def test_a_spoiled_message_is_none_of_ours() -> None:
    message = write_message(RECORD, "")
    for old, new in (
        ("Shipyard-Action: deploy", "Shipyard-Action: dance"),
        ('"name": "backend"', '"name": 1'),
        ('"image": "a@', '"image": "a b@'),
        ("Shipyard-Environment: staging\n", ""),
    ):
        assert old in message
        assert read_message(message.replace(old, new)) is None


def test_people_read_a_sentence_and_a_reason() -> None:
    lines = write_message(RECORD, "weekly\nrelease").splitlines()
    assert lines[:3] == ["Deliver backend 1.4.0 to staging", "", "By ann: weekly release"]
    assert lines[4].startswith("[skip ci] ")
    many = Record(Step.ROLLBACK, "staging", RECORD.moves * 5)
    assert write_message(many, "").startswith("Roll back to 5 services in staging\n")


def test_git_reads_the_trailers_too(tmp_path: Path) -> None:
    message = write_message(RECORD, "a\n\nShipyard-Action: rollback")
    told = subprocess.run(
        ["git", "interpret-trailers", "--parse"],
        cwd=tmp_path,
        env=HERMETIC,
        input=message,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert told.splitlines() == message.rstrip("\n").rpartition("\n\n")[2].splitlines()
    assert told.splitlines()[-1] == "Shipyard-Approved-By: ben"
