"""Names of a module's types and functions: from Python's spelling to the API's.

A module registers `s3_upload` of `Dish`; the API shows `s3Upload` of `KitchenDish`. Used when a module is loaded, by the
runner never: calls carry the original names back.
"""

from __future__ import annotations

import re


def camel(name: str, *, upper_first: bool = False) -> str:
    """Spell a name in camel case; a run of capitals counts as one word (`ABTest` -> `abtest`)."""
    built: list[str] = []
    raise_next = upper_first
    previous_upper = False
    for position, letter in enumerate(name):
        upper = "A" <= letter <= "Z"
        lower = "a" <= letter <= "z"
        shown = letter
        if raise_next and lower:
            shown = letter.upper()
        elif not raise_next and upper and (position == 0 or previous_upper):
            shown = letter.lower()
        previous_upper = upper
        if upper or lower:
            built.append(shown)
            raise_next = False
        elif letter.isdigit():
            built.append(letter)
            raise_next = True
        else:
            raise_next = letter in "_ -."
    return "".join(built)


def pascal(name: str) -> str:
    """Spell a name as a type (`bad-import` -> `BadImport`)."""
    return camel(name, upper_first=True)


_BOUNDARY = re.compile(
    r"(?<=[a-z])(?=[A-Z0-9])|(?<=[0-9])(?=[A-Za-z])|(?<=[A-Z])(?=[0-9])|(?<=[A-Z])(?=[A-Z][a-z])"
)


def kebab(name: str) -> str:
    """Spell a name as a word of the command line (`s3Upload` -> `s-3-upload`)."""
    return re.sub(r"[\s_.]", "-", _BOUNDARY.sub("-", name)).lower()


def screaming(name: str) -> str:
    """Spell the name of an enum's member (`sweet` -> `SWEET`)."""
    if name.upper() == name:
        return name
    return kebab(name).replace("-", "_").upper()


def scoped(name: str, module: str) -> str:
    """Name a module's type in the API: prefixed with the module, which keeps its own name."""
    type_name, prefix = pascal(name), pascal(module)
    if type_name == prefix:
        return type_name
    follows = type_name[len(prefix) : len(prefix) + 1]
    if type_name.startswith(prefix) and (follows.isupper() or follows.isdigit()):
        return type_name
    return prefix + type_name
