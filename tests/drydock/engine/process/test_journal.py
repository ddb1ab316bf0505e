"""A command's output is kept in order, per stream, and survives packing."""

from hypothesis import given
from hypothesis import strategies as st

from drydock.engine.process.journal import STDERR, STDOUT, Journal

_writes = st.lists(st.tuples(st.sampled_from([STDOUT, STDERR]), st.binary(max_size=9)))


@given(_writes)
def test_packing_loses_nothing(writes: list[tuple[int, bytes]]) -> None:
    journal = Journal()
    for stream, chunk in writes:
        journal.write(stream, chunk)
    again = Journal.unpack(journal.pack())
    assert again.combined == b"".join(chunk for _, chunk in writes)
    assert again.stdout == b"".join(chunk for stream, chunk in writes if stream == STDOUT)
    assert again.stderr == b"".join(chunk for stream, chunk in writes if stream == STDERR)


def test_output_without_end_is_bounded_and_says_so() -> None:
    journal = Journal(limit=10)
    for _ in range(5):
        journal.write(STDOUT, b"1234")
    kept = b"12341234\n[drydock kept the first 8 bytes of this output, 12 more were written]\n"
    assert journal.stdout == kept
    assert Journal.unpack(journal.pack()).stdout == kept
