"""Checks and changes that depend on other objects than the one that is written.

`admit` may change a new object before its kind prepares it; `validate_admission` sees the final one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from drydock.cluster.admission import lifecycle

if TYPE_CHECKING:
    from drydock.cluster.errors import Obj
    from drydock.cluster.verbs.write import Write


def admit(write: Write, obj: Obj) -> None:
    """Change a new object by the rules of its namespace, in place; raises ApiError."""
    lifecycle.check(write, obj)


def validate_admission(write: Write, obj: Obj, old: Obj | None) -> None:
    """Refuse an object by the rules of its namespace."""
