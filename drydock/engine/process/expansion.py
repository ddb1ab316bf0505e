"""`$NAME` and `${NAME}` in arguments that were given with `expand: true`.

Used by every Container field that takes `expand`. The rules are deliberately poor, as the real engine's are: an
unknown name becomes empty text, nothing escapes a dollar sign, and `${A:-x}` is the (unknown) name `A:-x`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

# In this order: a braced name, a lone special character, a plain name. What matches none of them stays as written,
# except an opening brace without its end, which disappears together with its dollar sign.
_REFERENCE = re.compile(
    r"\$(?:\{(?P<braced>[^}]+)\}|(?P<broken>\{\}?)|(?P<special>[*#$@!?0-9-])|(?P<plain>[A-Za-z_]\w*))",
    re.ASCII,
)


def expand(text: str, variables: Mapping[str, str]) -> str:
    """Replace the references to variables in a text; unknown names become empty."""

    def value(reference: re.Match[str]) -> str:
        name = reference["braced"] or reference["special"] or reference["plain"] or ""
        return variables.get(name, "")

    return _REFERENCE.sub(value, text)
