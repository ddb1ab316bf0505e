"""Who owns which field: server-side apply, with maps merged and lists as one value."""

import copy
from collections import defaultdict
from typing import Any

Obj = dict[str, Any]
Way = tuple[str, ...]
_IGNORED = {
    ("metadata", key)
    for key in ("name", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp")
} | {("apiVersion",), ("kind",)}


class Fields:
    """The owners of every object's fields, by path and manager."""

    def __init__(self) -> None:
        self._owned: dict[str, dict[str, set[Way]]] = defaultdict(lambda: defaultdict(set))

    def conflicts(self, path: str, manager: str, before: Obj, wanted: Obj) -> list[Way]:
        """List the fields that somebody else owns with another value."""
        now, found = leaves(before), []
        for way, value in leaves(wanted).items():
            others = (own for who, own in self._owned[path].items() if who != manager)
            if now.get(way) != value and any(way in own for own in others):
                found.append(way)
        return found

    def applied(self, path: str, manager: str, before: Obj, wanted: Obj) -> Obj:
        """Give the object after an apply."""
        after = copy.deepcopy(before)
        said = leaves(wanted)
        for way in self._owned[path][manager] - set(said):
            if not any(way in own for who, own in self._owned[path].items() if who != manager):
                _take(after, way)
        for way, value in said.items():
            _put(after, way, value)
        return after

    def written(self, path: str, manager: str, before: Obj, after: Obj, said: Obj | None) -> None:
        """Take note of a write: what changed is the writer's alone, what it says with others too."""
        old, new = leaves(before), leaves(after)
        changed = {way for way, value in new.items() if old.get(way, _NOTHING) != value}
        gone = set(old) - set(new)
        owned = self._owned[path]
        for ways in owned.values():
            ways.difference_update(changed | gone)
        if said is not None:
            owned[manager] = set(leaves(said))
        else:
            owned[manager] |= changed

    def forget(self, path: str) -> None:
        """Forget an object that is gone."""
        self._owned.pop(path, None)


_NOTHING = object()


def leaves(obj: Obj, way: Way = ()) -> dict[Way, Any]:
    """List the values of an object by the way to them, but for what the server writes."""
    found: dict[Way, Any] = {}
    for key, value in obj.items():
        here = (*way, key)
        if here in _IGNORED or here == ("status",):
            continue
        if isinstance(value, dict) and value:
            found |= leaves(value, here)
        else:
            found[here] = value
    return found


def _take(obj: Obj, way: Way) -> None:
    for key in way[:-1]:
        obj = obj.get(key, {})
    obj.pop(way[-1], None)


def _put(obj: Obj, way: Way, value: Any) -> None:
    for key in way[:-1]:
        obj = obj.setdefault(key, {})
    obj[way[-1]] = copy.deepcopy(value)
