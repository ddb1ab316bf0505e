"""Names as they are spelled on the command line.

The engine speaks GraphQL (`withExec`), people speak kebab case (`with-exec`). A digit is a word of its own in kebab case, so
`s3Upload` is `s-3-upload`.
"""

from __future__ import annotations

import re

_BOUNDARY = re.compile(
    r"(?<=[a-z])(?=[A-Z0-9])|(?<=[0-9])(?=[A-Za-z])|(?<=[A-Z])(?=[0-9])|(?<=[A-Z])(?=[A-Z][a-z])"
)


def kebab(name: str) -> str:
    """Spell a GraphQL name, or a flag that was typed with other separators, in kebab case."""
    return re.sub(r"[\s_.]", "-", _BOUNDARY.sub("-", name)).lower()
