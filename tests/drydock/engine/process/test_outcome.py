"""Exit codes, expectations, and the part of an output that an error carries."""

import pytest

from drydock.engine.process.outcome import Expectation, cut


@pytest.mark.parametrize(
    ("expectation", "accepted", "refused"),
    [
        (Expectation.SUCCESS, [0], [1, 127, 128, 137, 200, -1]),
        (Expectation.FAILURE, [1, 127, 192, 200, 255], [0, 128, 137, 191, -1]),
        (Expectation.ANY, [0, 1, 127, 192, 200, 255], [128, 130, 137, 143, 191, -1]),
    ],
)
def test_accepted_codes(expectation: Expectation, accepted: list[int], refused: list[int]) -> None:
    assert [code for code in accepted + refused if expectation.accepts(code)] == accepted


def test_a_long_output_is_cut_to_its_end() -> None:
    assert cut(b"x" * 102_400) == "x" * 102_400
    assert cut(b"lost" + b"x" * 102_400) == "[omitting 4 bytes]..." + "x" * 102_400


def test_bytes_that_are_no_text_become_replacement_characters() -> None:
    assert cut(b"a\xffb") == "a\ufffdb"
