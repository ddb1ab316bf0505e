"""Quantities are read exactly and written in their canonical form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drydock.cluster.quantity import QuantityError, amount, parse


@pytest.mark.parametrize(
    ("given_text", "canonical"),
    [
        ("0.5", "500m"), ("1024Gi", "1Ti"), ("2000m", "2"), ("134217728", "134217728"),
        ("0.0001", "100u"), ("1.5Gi", "1536Mi"), ("1e3", "1e3"), ("-1", "-1"), ("0Gi", "0"),
        ("1500m", "1500m"), ("100k", "100k"), ("1000k", "1M"),
    ],
)  # fmt: skip
def test_canonical_form(given_text: str, canonical: str) -> None:
    """The family of suffixes stays, the number gets the largest that fits."""
    assert str(parse(given_text)) == canonical


@pytest.mark.parametrize("text", ["1x", "", "m", "1 Gi", "--1", "1e", "1e999999"])
def test_other_texts_are_refused(text: str) -> None:
    """The error names the pattern."""
    with pytest.raises(QuantityError, match="regular expression"):
        parse(text)


@given(st.integers(0, 10**12), st.sampled_from(["m", "", "k", "M", "Ki", "Mi", "Gi"]))
def test_writing_and_reading_keeps_the_amount(number: int, suffix: str) -> None:
    """Nothing is lost on the way through the canonical text."""
    text = f"{number}{suffix}"
    assert amount(str(parse(text))) == amount(text)
