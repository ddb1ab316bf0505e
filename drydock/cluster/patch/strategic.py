"""Strategic merge patch: lists merge by key, with directives that replace, delete, retain, order.

Merge keys and strategies come from the shape. Directives: `$patch` (replace, delete, merge),
`$retainKeys`, `$deleteFromPrimitiveList/FIELD`, `$setElementOrder/FIELD`.
"""

from __future__ import annotations

from drydock.cluster.errors import Json, Obj
from drydock.cluster.schema.shape import Shape

_DELETE_FROM = "$deleteFromPrimitiveList/"
_ORDER = "$setElementOrder/"


class StrategicError(ValueError):
    """A patch that does not fit its type: a list item without its key, a wrong directive."""


def strategic_merge(shape: Shape, target: Obj, patch: Obj) -> Obj:
    """Return the target with the patch put over it; raises StrategicError."""
    return _map(shape, target, patch)


def _map(shape: Shape | None, target: Obj, patch: Obj) -> Obj:
    directive = patch.get("$patch")
    if directive == "replace":
        return {name: one for name, one in patch.items() if name != "$patch"}
    if directive == "delete":
        return {}
    if directive not in (None, "merge"):
        raise StrategicError(f"Unknown patch type found: {directive}")
    made = dict(target)
    retained = patch.get("$retainKeys")
    if retained is not None:
        made = {name: one for name, one in made.items() if name in retained}
    for name, one in patch.items():
        if name in ("$patch", "$retainKeys") or name.startswith(_ORDER):
            continue
        if name.startswith(_DELETE_FROM):
            field = name[len(_DELETE_FROM) :]
            made[field] = [item for item in made.get(field) or () if item not in one]
            continue
        child = shape.child(name) if shape is not None else None
        if one is None:
            made.pop(name, None)
        elif isinstance(one, dict):
            _put(made, name, one, child)
        elif isinstance(one, list) and child is not None and "merge" in child.strategies:
            made[name] = _list(child, made.get(name) or [], one)
        else:
            made[name] = one
    for name, order in patch.items():
        field = name[len(_ORDER) :]
        if name.startswith(_ORDER) and isinstance(made.get(field), list):
            child = shape.child(field) if shape is not None else None
            key = child.merge_key if child is not None else ""
            made[field] = _ordered(made[field], order, (target.get(field) or []), key)
    return made


def _put(made: Obj, name: str, patch: Obj, child: Shape | None) -> None:
    below = made.get(name)
    if child is not None and "replace" in child.strategies and "$patch" not in patch:
        made[name] = patch
        return
    if patch.get("$patch") == "delete":
        made.pop(name, None)
        return
    made[name] = _map(child, below if isinstance(below, dict) else {}, patch)


def _list(shape: Shape, target: list[Json], patch: list[Json]) -> list[Json]:
    key = shape.merge_key
    if not key:
        return [*target, *(one for one in patch if one not in target)]
    for one in patch:
        if not isinstance(one, dict):
            raise StrategicError(f"expected a map in the list with merge key {key}")
    if any(one.get("$patch") == "replace" for one in patch):
        return [
            {name: value for name, value in one.items() if name != "$patch"}
            for one in patch
            if one != {"$patch": "replace"}
        ]
    made = list(target)
    for one in patch:
        if key not in one:
            raise StrategicError(f"map: {one} does not contain declared merge key: {key}")
        at = next(
            (
                i
                for i, item in enumerate(made)
                if isinstance(item, dict) and item.get(key) == one[key]
            ),
            None,
        )
        if one.get("$patch") == "delete":
            made = [i for i in made if not (isinstance(i, dict) and i.get(key) == one[key])]
        elif at is None:
            made.append(_map(shape.items, {}, {k: v for k, v in one.items() if k != "$patch"}))
        else:
            made[at] = _map(shape.items, made[at], one)
    return made


def _ordered(items: list[Json], order: list[Json], live: list[Json], key: str) -> list[Json]:
    """Sort a merged list: the patch orders its items, the live list those that it leaves out."""

    def name(item: Json) -> str:
        return repr(item.get(key) if key and isinstance(item, dict) else item)

    wanted = {name(item): at for at, item in enumerate(order)}
    before = {name(item): at for at, item in enumerate(live)}
    mine = sorted((i for i in items if name(i) in wanted), key=lambda item: wanted[name(item)])
    others = [item for item in items if name(item) not in wanted]
    others.sort(key=lambda item: before.get(name(item), len(before)))
    made: list[Json] = []
    while mine and others:
        first, second = name(mine[0]), name(others[0])
        later = first in before and second in before and before[second] < before[first]
        made.append(others.pop(0) if later else mine.pop(0))
    return made + mine + others
