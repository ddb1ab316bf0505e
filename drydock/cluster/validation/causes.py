"""The seven kinds of wrong value, worded as a server words them."""

from __future__ import annotations

from collections.abc import Sequence

from drydock.cluster.errors import Cause, Json
from drydock.cluster.go_text import quoted


def invalid(field: str, value: Json, why: str) -> Cause:
    """Return the cause of a value that breaks a rule."""
    return Cause(field, "FieldValueInvalid", f"Invalid value: {quoted(value)}: {why}")


def required(field: str, why: str = "") -> Cause:
    """Return the cause of a missing value."""
    return Cause(field, "FieldValueRequired", f"Required value: {why}" if why else "Required value")


def duplicate(field: str, value: Json) -> Cause:
    """Return the cause of a value that stands twice."""
    return Cause(field, "FieldValueDuplicate", f"Duplicate value: {quoted(value)}")


def forbidden(field: str, why: str) -> Cause:
    """Return the cause of a field that may not be set here."""
    return Cause(field, "FieldValueForbidden", f"Forbidden: {why}")


def unsupported(field: str, value: Json, supported: Sequence[str]) -> Cause:
    """Return the cause of a value outside of an enumeration."""
    known = ", ".join(quoted(one) for one in supported)
    text = f"Unsupported value: {quoted(value)}: supported values: {known}"
    return Cause(field, "FieldValueNotSupported", text)


def too_long(field: str, limit: int) -> Cause:
    """Return the cause of texts that are too long."""
    return Cause(field, "FieldValueTooLong", f"Too long: may not be more than {limit} bytes")


def too_many(field: str, value: int, limit: int) -> Cause:
    """Return the cause of a list that has too many items."""
    text = f"Too many: {value}: must have at most {limit} items"
    return Cause(field, "FieldValueTooMany", text)


def not_found(field: str, value: Json) -> Cause:
    """Return the cause of a reference to something that the object does not hold."""
    return Cause(field, "FieldValueNotFound", f"Not found: {quoted(value)}")


def non_negative(field: str, value: int | None) -> list[Cause]:
    """Refuse a number below zero."""
    if value is None or value >= 0:
        return []
    return [invalid(field, value, "must be greater than or equal to 0")]


IMMUTABLE = "field is immutable"
