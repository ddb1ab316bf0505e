"""Secrets are replaced wherever they stand and however the stream is cut."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from drydock.engine.process.scrub import Scrubber

# Few letters make overlaps, prefixes and repetitions likely.
_text = st.lists(st.sampled_from([b"a", b"b", b"c", b"\n"]), max_size=40).map(b"".join)
_secret = st.lists(st.sampled_from([b"a", b"b", b"c", b"\n"]), max_size=6).map(b"".join)


def scrub(secrets: list[bytes], *chunks: bytes) -> bytes:
    scrubber = Scrubber(secrets)
    return b"".join(scrubber.feed(chunk) for chunk in chunks) + scrubber.finish()


@given(st.lists(_secret, max_size=4), _text, st.lists(st.integers(0, 40), max_size=6))
def test_cutting_the_stream_changes_nothing(
    secrets: list[bytes], text: bytes, cuts: list[int]
) -> None:
    edges = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    chunks = [text[a:b] for a, b in itertools.pairwise(edges)]
    assert scrub(secrets, *chunks) == Scrubber(secrets).clean(text)


@given(st.lists(_secret, max_size=4), _text, st.lists(st.integers(0, 40), max_size=6))
def test_no_secret_is_left(secrets: list[bytes], text: bytes, cuts: list[int]) -> None:
    edges = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    chunks = [text[a:b] for a, b in itertools.pairwise(edges)]
    shown = scrub(secrets, *chunks)
    for secret in secrets:
        if secret.strip():
            assert secret.strip() not in shown


@given(_text)
def test_without_secrets_the_stream_is_untouched(text: bytes) -> None:
    assert scrub([b"", b" \n"], text) == text


def test_what_cannot_be_part_of_a_secret_is_passed_on_at_once() -> None:
    scrubber = Scrubber([b"halfone-halftwo"])
    assert scrubber.feed(b"progress\n") == b"progress\n"
    assert scrubber.feed(b"see halfone-") == b"see "
    assert scrubber.feed(b"halftwo; done") == b"***; done"


def test_a_beginning_that_does_not_go_on_is_released() -> None:
    scrubber = Scrubber([b"secret"])
    assert scrubber.feed(b"sec") == b""
    assert scrubber.feed(b"tor\n") == b"sector\n"


def test_the_longest_of_several_wins() -> None:
    assert scrub([b"abcdef", b"xxabcdefyy"], b"2 xxabcdefyy; 3 abcdefabcdef") == b"2 ***; 3 ******"


def test_a_longer_secret_is_waited_for() -> None:
    assert scrub([b"abc", b"abcdef"], b"abc", b"def", b" abcde") == b"*** ***de"


def test_a_secret_is_found_without_its_final_newline() -> None:
    assert scrub([b"newline-secret\n"], b"newline-secret\nnewline-secret.\n") == b"******.\n"


def test_a_secret_of_one_letter_is_scrubbed() -> None:
    assert scrub([b"z"], b"fuzz") == b"fu******"


def test_a_secret_of_two_lines_is_one_secret() -> None:
    secret = b"first-line\nsecond-line\n"
    assert scrub([secret], secret + b"second-line\n") == b"***second-line\n"
