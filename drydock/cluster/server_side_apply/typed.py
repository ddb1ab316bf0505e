"""Objects along their shape: which fields they set, how two of them differ, merge, prune.

`ownership` uses nothing else of an object. A struct or map is granular unless its schema calls it
atomic; a list is atomic unless it is a set or has keys. Invariant: no function changes its input.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from drydock.cluster.errors import Json, Obj
from drydock.cluster.schema.shape import Shape
from drydock.cluster.server_side_apply.fields import FieldSet, Path, compact


class TypedError(ValueError):
    """The value does not fit its schema; the text names the path."""


@dataclass
class Comparison:
    """What one object has that the other has not, or has differently."""

    added: FieldSet = field(default_factory=FieldSet)
    modified: FieldSet = field(default_factory=FieldSet)
    removed: FieldSet = field(default_factory=FieldSet)

    @property
    def same(self) -> bool:
        """Say whether nothing differs."""
        return not (self.added or self.modified or self.removed)


def granular(shape: Shape) -> bool:
    """Say whether the parts of a value have owners of their own."""
    if shape.type in ("struct", "map"):
        return not shape.atomic
    return shape.type == "list" and shape.list_type in ("set", "map")


def element_of(shape: Shape, item: Json) -> str:
    """Return the path element of an item of an associative list."""
    if shape.list_type == "set":
        return "v:" + compact(item)
    keys = {}
    for name in shape.keys:
        value = item.get(name) if isinstance(item, dict) else None
        if value is None:
            value = shape.items.key_default(name)
        if value is not None:
            keys[name] = value
    return "k:" + compact(keys)


def children(shape: Shape, value: Json) -> Iterator[tuple[str, Shape, Json]]:
    """Yield element, shape and value of the parts of a granular value."""
    if isinstance(value, dict):
        for name, one in value.items():
            child = shape.child(name)
            if child is not None:
                yield f"f:{name}", child, one
    elif isinstance(value, list):
        for item in value:
            yield element_of(shape, item), shape.items, item


def check(shape: Shape, value: Json, path: str = "") -> None:
    """Refuse fields that the schema does not declare; raises TypedError."""
    if shape.type == "struct" and isinstance(value, dict):
        for name, one in value.items():
            child = shape.child(name)
            if child is None:
                raise TypedError(f"{path}.{name}: field not declared in schema")
            check(child, one, f"{path}.{name}")
    elif shape.type == "map" and isinstance(value, dict):
        for name, one in value.items():
            check(shape.items, one, f"{path}.{name}")
    elif shape.type == "list" and isinstance(value, list):
        for at, one in enumerate(value):
            check(shape.items, one, f"{path}[{at}]")


def owned(shape: Shape, value: Json) -> FieldSet:
    """Return the fields that a configuration sets."""
    made = FieldSet()
    _owned(shape, value, made)
    return made


def _owned(shape: Shape, value: Json, into: FieldSet) -> None:
    for element, child, one in children(shape, value):
        below = FieldSet()
        leaf = not granular(child) or one is None
        if not leaf:
            _owned(child, one, below)
        if below:
            into.children[element] = below
        in_struct = shape.type == "struct"
        if leaf or not in_struct or (isinstance(one, dict) and not one):
            into.members.add(element)


def compare(shape: Shape, old: Json, new: Json) -> Comparison:
    """Return how the new object differs from the old one."""
    found = Comparison()
    _compare(shape, old, new, (), found)
    return found


def _compare(shape: Shape, old: Json, new: Json, path: Path, found: Comparison) -> None:
    if old is None and new is None:
        return
    if not granular(shape) or (not old and not new):
        if old is None:
            found.added.insert(path)
        elif new is None:
            found.removed.insert(path)
        elif old != new:
            found.modified.insert(path)
        return
    before = {element: (child, one) for element, child, one in children(shape, old)}
    after = {element: (child, one) for element, child, one in children(shape, new)}
    for element in {**before, **after}:
        child = (before.get(element) or after[element])[0]
        was = before[element][1] if element in before else None
        now = after[element][1] if element in after else None
        _compare(child, was, now, (*path, element), found)
    if old is None:
        found.added.insert(path)
    elif new is None:
        found.removed.insert(path)


def merge(shape: Shape, live: Json, config: Json) -> Json:
    """Put a configuration over a live value."""
    if live is None or config is None or not granular(shape) or type(live) is not type(config):
        return live if config is None else config
    if isinstance(config, dict):
        made = dict(live)
        for name, one in config.items():
            child = shape.child(name)
            made[name] = merge(child, live.get(name), one) if child else one
        return made
    return _merge_lists(shape, live, config)


def _merge_lists(shape: Shape, live: list[Json], config: list[Json]) -> list[Json]:
    left = [(element_of(shape, item), item) for item in live]
    right = [(element_of(shape, item), item) for item in config]
    lefts, rights = dict(left), dict(right)
    made: list[Json] = []
    taken: set[str] = set()
    at = 0
    for element, item in right:
        while at < len(left) and left[at][0] != element:
            other, own = left[at]
            if other not in rights:
                made.append(own)
            elif other not in taken:
                break
            at += 1
        if element in taken:
            continue
        taken.add(element)
        made.append(merge(shape.items, lefts.get(element), item))
    made += [own for other, own in left[at:] if other not in rights]
    return made


def remove(shape: Shape, value: Json, gone: FieldSet) -> Json:
    """Return a value without the members of a set."""
    if not gone or not granular(shape):
        return value
    kept = [
        (element, remove(child, one, gone.children.get(element) or FieldSet()))
        for element, child, one in children(shape, value)
        if element not in gone.members
    ]
    if isinstance(value, dict):
        return {element[2:]: one for element, one in kept}
    return [one for _, one in kept] if isinstance(value, list) else value


def with_containers(shape: Shape, fields: FieldSet) -> FieldSet:
    """Return a set in which every struct field on the way to a member is a member too."""
    made = FieldSet(set(fields.members))
    for element, below in fields.children.items():
        child = _below(shape, element)
        if child is None:
            continue
        if element.startswith("f:") and shape.type == "struct":
            made.members.add(element)
        made.children[element] = with_containers(child, below)
    return made


def _below(shape: Shape, element: str) -> Shape | None:
    if element.startswith("f:"):
        return shape.child(element[2:])
    return shape.items if shape.type == "list" else None


def known(shape: Shape, fields: FieldSet) -> FieldSet:
    """Return a set without the fields that no schema declares any more."""
    made = FieldSet({one for one in fields.members if _below(shape, one) is not None})
    for element, below in fields.children.items():
        child = _below(shape, element)
        rest = known(child, below) if child is not None else None
        if rest:
            made.children[element] = rest
    return made


def stripped(obj: Obj) -> Obj:
    """Return an object without what nobody owns: identity and managedFields."""
    meta = {
        name: one
        for name, one in (obj.get("metadata") or {}).items()
        if name not in UNOWNED_METADATA
    }
    rest = {name: one for name, one in obj.items() if name not in ("apiVersion", "kind")}
    return {**rest, "metadata": meta}


UNOWNED_METADATA = frozenset(
    {
        "name",
        "namespace",
        "creationTimestamp",
        "selfLink",
        "uid",
        "clusterName",
        "generation",
        "managedFields",
        "resourceVersion",
    }
)
