"""JSON patch (RFC 6902): a list of operations, all of which must succeed."""

from __future__ import annotations

from drydock.cluster.client import copied
from drydock.cluster.errors import Json, Obj


class PatchError(ValueError):
    """An operation that cannot be done: absent path, failed test, unknown operation."""


def json_patch(target: Obj, operations: list[Obj]) -> Obj:
    """Return a patched copy; raises PatchError."""
    document: Json = copied(target)
    for one in operations:
        if not isinstance(one, dict) or "path" not in one:
            raise PatchError(f"not an operation: {one!r}")
        document = _apply(document, one)
    if not isinstance(document, dict):
        raise PatchError("the patch replaced the whole object by something else")
    return document


def _apply(document: Json, operation: Obj) -> Json:
    name, path = operation.get("op"), _split(operation["path"])
    if name in ("add", "replace", "test") and "value" not in operation:
        operation = {**operation, "value": None}
    if name == "add":
        return _add(document, path, copied(operation["value"]))
    if name == "remove":
        return _remove(document, path)
    if name == "replace":
        _get(document, path)
        return _add(_remove(document, path), path, copied(operation["value"]))
    if name == "test":
        if _find(document, path) != operation["value"]:
            raise PatchError(f"testing value {operation['path']} failed")
        return document
    if name in ("move", "copy"):
        source = _split(operation.get("from", ""))
        value = copied(_get(document, source))
        return _add(_remove(document, source) if name == "move" else document, path, value)
    raise PatchError(f"Unexpected kind: {name}")


def _split(path: str) -> list[str]:
    if path and not path.startswith("/"):
        raise PatchError(f"not a JSON pointer: {path}")
    return [part.replace("~1", "/").replace("~0", "~") for part in path.split("/")[1:]]


def _index(part: str, *, end: int) -> int:
    try:
        at = int(part)
    except ValueError:
        raise PatchError(f"not an index: {part}") from None
    if at < 0:
        at += end
    if not 0 <= at < end:
        raise PatchError(f"index out of range: {part}")
    return at


def _get(document: Json, path: list[str]) -> Json:
    here = document
    for part in path:
        if isinstance(here, list):
            here = here[_index(part, end=len(here))]
        elif isinstance(here, dict) and part in here:
            here = here[part]
        else:
            raise PatchError(f"no such path: /{'/'.join(path)}")
    return here


def _find(document: Json, path: list[str]) -> Json:
    """Return the value at a path, None when its last part is absent."""
    holder = _get(document, path[:-1])
    if path and isinstance(holder, dict):
        return holder.get(path[-1])
    return _get(document, path)


def _add(document: Json, path: list[str], value: Json) -> Json:
    if not path:
        return value
    holder, last = _get(document, path[:-1]), path[-1]
    if isinstance(holder, list):
        at = len(holder) if last == "-" else _index(last, end=len(holder) + 1)
        holder.insert(at, value)
    elif isinstance(holder, dict):
        holder[last] = value
    else:
        raise PatchError(f"no such path: /{'/'.join(path)}")
    return document


def _remove(document: Json, path: list[str]) -> Json:
    if not path:
        return None
    holder, last = _get(document, path[:-1]), path[-1]
    if isinstance(holder, list):
        del holder[_index(last, end=len(holder))]
    elif isinstance(holder, dict) and last in holder:
        del holder[last]
    else:
        raise PatchError(f"Unable to remove nonexistent key: {last}")
    return document
