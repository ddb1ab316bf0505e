"""Query parameters and option bodies that several verbs share, checked as a real server does."""

from __future__ import annotations

import json

from drydock.cluster.errors import Cause, InvalidError, Json, bad_request
from drydock.cluster.message import Request

_VALIDATION = ("", "Ignore", "Strict", "Warn")


def dry_run(request: Request, kind: str) -> bool:
    """Say whether nothing may be stored; raises ApiError 422 for unknown values."""
    values = [value for value in request.queries.get("dryRun", []) if value]
    check_dry_run(values, kind)
    return bool(values)


def check_dry_run(values: list[str], kind: str) -> None:
    """Refuse everything but `All`."""
    wrong = [value for value in values if value != "All"]
    if wrong:
        raise options_error(kind, unsupported("dryRun", values, ["All"]))


def field_validation(request: Request, kind: str) -> None:
    """Refuse an unknown validation mode."""
    mode = request.query.get("fieldValidation", "")
    if mode not in _VALIDATION:
        raise options_error(kind, unsupported("fieldValidation", mode, list(_VALIDATION)))


def options_error(kind: str, *causes: Cause) -> InvalidError:
    """Return the 422 of an options object."""
    return InvalidError(kind, "meta.k8s.io", "", causes)


def unsupported(field: str, value: Json, supported: list[str]) -> Cause:
    """Return the cause of a value outside of an enumeration."""
    shown = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    known = ", ".join(f'"{one}"' for one in supported)
    return Cause(
        field, "FieldValueNotSupported", f"Unsupported value: {shown}: supported values: {known}"
    )


def whole_number(request: Request, name: str) -> int | None:
    """Return an integer parameter, None when absent; raises ApiError 400."""
    text = request.query.get(name, "")
    if not text:
        return None
    try:
        return int(text)
    except ValueError:
        raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax') from None


def flag(request: Request, name: str) -> bool:
    """Return a boolean parameter."""
    return request.query.get(name, "").lower() in ("true", "1", "t")
