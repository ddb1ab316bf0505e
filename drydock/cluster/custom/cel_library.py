"""What CEL knows by name, as far as rules of definitions use it: operators, functions, methods, macros.

Looked up by the parser in `cel`.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable

from drydock.cluster.errors import Json

COMPARE: dict[str, Callable[[Json, Json], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
SUM: dict[str, Callable[[Json, Json], Json]] = {"+": operator.add, "-": operator.sub}
PRODUCT: dict[str, Callable[[Json, Json], Json]] = {
    "*": operator.mul,
    "/": lambda a, b: a // b if isinstance(a, int) else a / b,
    "%": operator.mod,
}
METHODS: dict[str, Callable[..., Json]] = {
    "startsWith": str.startswith,
    "endsWith": str.endswith,
    "contains": lambda text, part: part in text,
    "matches": lambda text, pattern: re.search(pattern, text) is not None,
    "size": len,
    "lowerAscii": str.lower,
    "upperAscii": str.upper,
    "trim": str.strip,
    "replace": str.replace,
    "split": str.split,
    "join": lambda items, glue="": glue.join(items),
    "indexOf": str.find,
}
FUNCTIONS: dict[str, Callable[[Json], Json]] = {
    "size": len,
    "string": lambda value: str(value).lower() if isinstance(value, bool) else str(value),
    "int": int,
    "double": float,
}
MACROS: dict[str, Callable[[list[Json], list[Json]], Json]] = {
    "all": lambda _, found: all(found),
    "exists": lambda _, found: any(found),
    "exists_one": lambda _, found: sum(map(bool, found)) == 1,
    "filter": lambda items, found: [one for one, kept in zip(items, found, strict=True) if kept],
    "map": lambda _, found: found,
}
"""Each gets the items and what the expression said of every one of them."""
