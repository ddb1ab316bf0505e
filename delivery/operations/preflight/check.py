"""One check of the pre-flight: what it found, and the way out when that is bad. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from delivery.operations.table import hanging

NAME_WIDTH = 13


class Result(StrEnum):
    """What a check came to. Warnings, and what could not be asked (unknown), fail nothing and are told."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Check:
    """A check by its name; `way_out` is the next step of whoever wants to deliver."""

    name: str
    result: Result
    told: str
    way_out: str = ""


def ok(name: str, told: str) -> Check:
    """Say that it is as it should be."""
    return Check(name, Result.OK, told)


def failed(name: str, told: str, way_out: str) -> Check:
    """Say that a delivery would end here."""
    return Check(name, Result.FAILED, told, way_out)


def warning(name: str, told: str, way_out: str) -> Check:
    """Say that a delivery would work, and that users might notice it."""
    return Check(name, Result.WARNING, told, way_out)


def unknown(name: str, told: str, way_out: str = "") -> Check:
    """Say that it could not be found out."""
    return Check(name, Result.UNKNOWN, told, way_out)


def written(checks: Iterable[Check]) -> str:
    """Write checks for people, each with its way out below it."""
    lines = []
    for check in checks:
        begin = f"  {check.result:<8} {check.name:<{NAME_WIDTH}} "
        lines.append(hanging(begin, check.told))
        if check.way_out:
            lines.append(hanging(" " * len(begin) + "way out: ", check.way_out))
    return "\n".join(lines)
