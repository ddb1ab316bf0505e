"""The file format: whatever is written is read back by a reader that checks the structure."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.programs.advisories import bolt
from tests.pipelines.programs.advisories.bolt_reader import PAGE, read

KEYS = st.binary(min_size=1, max_size=60)
BUCKETS = st.recursive(
    st.dictionaries(KEYS, st.binary(max_size=400), max_size=20),
    lambda inner: st.dictionaries(KEYS, inner | st.binary(max_size=40), max_size=8),
    max_leaves=30,
)


@given(st.dictionaries(KEYS, BUCKETS, max_size=6))
def test_what_is_written_can_be_read(buckets: dict[bytes, bolt.Bucket]) -> None:
    assert read(bolt.encode(buckets)) == buckets


@settings(max_examples=30)
@given(st.integers(1, 3000), st.integers(0, 6000), st.integers(0, 2**32))
def test_trees_of_any_height_can_be_read(keys: int, longest: int, seed: int) -> None:
    source = random.Random(seed)
    bucket: dict[bytes, bytes | bolt.Bucket] = {
        f"key-{number:05}".encode()
        * source.choice((1, 1, 1, 40)): bytes(
            source.randrange(longest + 1) if number % 50 == 0 else number % 90
        )
        for number in range(keys)
    }
    buckets = {b"first": bucket, b"second": {b"nested": bucket}}
    assert read(bolt.encode(buckets)) == buckets


def test_keys_as_long_as_allowed_make_branches_longer_than_a_page() -> None:
    bucket = {bytes([letter]) * 32768: b"v" for letter in b"abcdefg"}
    assert read(bolt.encode({b"b": bucket})) == {b"b": bucket}


@given(st.dictionaries(KEYS, st.binary(max_size=100), min_size=2), st.randoms())
def test_the_same_content_gives_the_same_bytes(
    bucket: dict[bytes, bytes], order: random.Random
) -> None:
    items = list(bucket.items())
    order.shuffle(items)
    assert bolt.encode({b"b": dict(items)}) == bolt.encode({b"b": bucket})


def test_nothing_at_all_is_a_file_too() -> None:
    content = bolt.encode({})
    assert read(content) == {}
    assert len(content) == 4 * PAGE


@pytest.mark.parametrize(
    ("buckets", "told"),
    [
        ({b"b": {b"": b"v"}}, "a key of 0 bytes"),
        ({b"b": {b"k" * 32769: b"v"}}, "a key of 32769 bytes"),
        ({b"b": b"v"}, "a file holds buckets"),
    ],
)
def test_what_the_format_cannot_hold_is_refused(
    buckets: dict[bytes, bolt.Bucket], told: str
) -> None:
    with pytest.raises(bolt.BoltError, match=told):
        bolt.encode(buckets)
