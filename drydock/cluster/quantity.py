"""Resource quantities: `500m`, `1Gi`, `1e3`; read, compared, and written as a server writes them.

Decoding, validation, quota, limit ranges and the scheduler use it. Amounts are exact
(`fractions.Fraction`); the canonical text keeps the family of suffixes that was written.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

PATTERN = "^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$"
_NUMBER = re.compile(r"([+-]?)(\d+\.?\d*|\.\d+)(.*)", re.DOTALL)
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_EXPONENT = re.compile(r"[eE]([+-]?\d+)")


class QuantityError(ValueError):
    """A text that is no quantity."""

    def __init__(self) -> None:
        super().__init__(f"quantities must match the regular expression '{PATTERN}'")


@dataclass(frozen=True)
class Quantity:
    """An exact amount and the family (binary, decimal, exponent) that it is written in."""

    amount: Fraction
    family: str

    def __str__(self) -> str:
        if self.amount == 0:
            return "0"
        if self.family == "binary":
            whole = self.amount.denominator == 1
            if whole and abs(self.amount) >= 1024:
                return _binary(int(self.amount))
            return _decimal(self.amount, exponent=False)
        return _decimal(self.amount, exponent=self.family == "exponent")

    @property
    def integer(self) -> bool:
        """Say whether the amount is whole."""
        return self.amount.denominator == 1


@lru_cache(maxsize=4096)
def parse(text: str) -> Quantity:
    """Read a quantity; raises QuantityError."""
    found = _NUMBER.fullmatch(text)
    if found is None:
        raise QuantityError
    sign, digits, suffix = found.groups()
    number = Fraction(digits.rstrip(".") if digits.endswith(".") else digits)
    if sign == "-":
        number = -number
    if suffix in _BINARY:
        return _rounded(number * 1024 ** _BINARY[suffix], "binary")
    if suffix in _DECIMAL:
        return _rounded(number * Fraction(10) ** _DECIMAL[suffix], "decimal")
    exponent = _EXPONENT.fullmatch(suffix)
    if exponent is None or abs(int(exponent[1])) > 64:
        raise QuantityError
    return _rounded(number * Fraction(10) ** int(exponent[1]), "exponent")


def amount(value: object) -> Fraction:
    """Return the amount of a quantity in JSON (text or number)."""
    return parse(str(value)).amount


def _rounded(number: Fraction, family: str) -> Quantity:
    """Round up to the smallest unit, one nano."""
    scaled = number * 10**9
    if scaled.denominator != 1:
        up = -(-abs(scaled.numerator) // scaled.denominator)
        number = Fraction(up if scaled > 0 else -up, 10**9)
    return Quantity(number, family)


def _binary(number: int) -> str:
    for suffix, power in reversed(_BINARY.items()):
        size = 1024**power
        if number % size == 0 and abs(number) >= size:
            return f"{number // size}{suffix}"
    return str(number)


def _decimal(number: Fraction, *, exponent: bool) -> str:
    power = 0
    while number.denominator != 1:
        number *= 1000
        power -= 3
    whole = int(number)
    while whole % 1000 == 0 and power < 18:
        whole //= 1000
        power += 3
    if exponent:
        return f"{whole}e{power}" if power else str(whole)
    suffix = next(name for name, size in _DECIMAL.items() if size == power)
    return f"{whole}{suffix}"
