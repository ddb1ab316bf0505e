"""Sets of field paths, in the trie form that `managedFields` has on the wire.

An element is one string: `f:name`, `k:{"name":"app"}` or `v:"x"`. Invariant: a set never keeps an
empty child, so that two sets are equal when their tries are.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

from drydock.cluster.errors import Obj

Path = tuple[str, ...]


@dataclass
class FieldSet:
    """`members` are in the set; `children` lead to deeper members."""

    members: set[str] = field(default_factory=set)
    children: dict[str, FieldSet] = field(default_factory=dict)

    @staticmethod
    def of_wire(text: Obj) -> FieldSet:
        """Read `fieldsV1`."""
        made = FieldSet()
        for element, below in text.items():
            if element == ".":
                continue
            child = FieldSet.of_wire(below)
            if not below or "." in below:
                made.members.add(element)
            if child:
                made.children[element] = child
        return made

    def to_wire(self) -> Obj:
        """Write `fieldsV1`."""
        made: Obj = {}
        for element in sorted(self.members | set(self.children)):
            child = self.children.get(element)
            below = child.to_wire() if child else {}
            if child and element in self.members:
                below = {".": {}, **below}
            made[element] = below
        return made

    def __bool__(self) -> bool:
        return bool(self.members or self.children)

    def insert(self, path: Path) -> None:
        """Add one path; the empty path is not a field."""
        if not path:
            return
        here = self
        for element in path[:-1]:
            here = here.children.setdefault(element, FieldSet())
        here.members.add(path[-1])

    def union(self, other: FieldSet) -> FieldSet:
        """Return the paths of either."""
        made = FieldSet(self.members | other.members)
        for element in {**self.children, **other.children}:
            mine, theirs = self.children.get(element), other.children.get(element)
            made.children[element] = (mine or FieldSet()).union(theirs or FieldSet())
        return made

    def difference(self, other: FieldSet) -> FieldSet:
        """Return the paths that the other has not."""
        made = FieldSet(self.members - other.members)
        for element, child in self.children.items():
            rest = child.difference(other.children.get(element) or FieldSet())
            if rest:
                made.children[element] = rest
        return made

    def without_below(self, other: FieldSet) -> FieldSet:
        """Return the paths that neither are in the other nor lie below one that is."""
        made = FieldSet(self.members - other.members)
        for element, child in self.children.items():
            if element in other.members:
                continue
            rest = child.without_below(other.children.get(element) or FieldSet())
            if rest:
                made.children[element] = rest
        return made

    def intersection(self, other: FieldSet) -> FieldSet:
        """Return the paths of both."""
        made = FieldSet(self.members & other.members)
        for element in self.children.keys() & other.children.keys():
            both = self.children[element].intersection(other.children[element])
            if both:
                made.children[element] = both
        return made

    def paths(self, prefix: Path = ()) -> Iterator[Path]:
        """Yield every path, members before what lies deeper."""
        for element in sorted(self.members):
            yield (*prefix, element)
        for element in sorted(self.children):
            yield from self.children[element].paths((*prefix, element))


def shown(path: Path) -> str:
    """Write a path as conflicts show it: `.spec.containers[name="app"].image`."""
    parts = []
    for element in path:
        kind, _, rest = element.partition(":")
        if kind == "f":
            parts.append(f".{rest}")
        elif kind == "k":
            keys = ",".join(
                f"{name}={json.dumps(value)}" for name, value in json.loads(rest).items()
            )
            parts.append(f"[{keys}]")
        else:
            parts.append(f"[={rest}]" if kind == "v" else f"[{rest}]")
    return "".join(parts)


def compact(value: object) -> str:
    """Write a JSON value without blanks and with sorted keys."""
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
