"""managedFields: who wrote what, kept up to date by every write.

`updated` is for create, update and patch: the writer takes what it changed, others lose it.
`applied` is for apply patches: the configuration is merged, conflicts are refused or forced, and
what the manager applied last time and leaves out now is removed unless somebody else owns it.
Follows the rules of structured-merge-diff.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import NamedTuple

from drydock.cluster.errors import ApiError, Obj
from drydock.cluster.identity import now
from drydock.cluster.schema.shape import Shape
from drydock.cluster.server_side_apply import typed
from drydock.cluster.server_side_apply.fields import FieldSet, shown

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
MOST_UPDATERS = 10
ANCIENT = "ancient-changes"
BEFORE_APPLY = "before-first-apply"


class Writer(NamedTuple):
    """The identity of an owner."""

    manager: str
    operation: str
    version: str
    subresource: str = ""


@dataclass(frozen=True)
class _Owner:
    fields: FieldSet
    time: str
    version: str


_Owners = dict[Writer, _Owner]


def updated(shape: Shape, live: Obj, new: Obj, writer: Writer, reset: FieldSet) -> Obj:
    """Return the new object with its owners after a plain write.

    `reset` are fields that this path of the API does not write (`status` on the main path).
    """
    given = (new.get("metadata") or {}).get("managedFields")
    source = new if given is not None else live
    if given == [] or given == [{}]:
        return _marked(new, {})
    owners = _read(source, shape)
    owners = _update(shape, live, new, owners, writer, reset)
    return _marked(new, owners)


def applied(
    shape: Shape, live: Obj, config: Obj, writer: Writer, reset: FieldSet, *, force: bool
) -> Obj | None:
    """Return the merged object with its owners; None when nothing changes but perhaps an owner.

    Raises ApiError 409 that lists the conflicts.
    """
    owners = _read(live, shape)
    base, patch = typed.stripped(live), typed.stripped(config)
    if not owners and _has_content(live):
        fields = typed.owned(shape, base).without_below(reset)
        before = Writer(BEFORE_APPLY, "Update", writer.version)
        owners = {before: _Owner(fields, "", writer.version)}
    mine = typed.owned(shape, patch).without_below(reset)
    mine.members.discard("f:metadata")  # an object always has metadata; nobody owns that
    previous = owners.get(writer)
    merged = typed.merge(shape, base, patch)
    others = dict(owners)
    others[writer] = _Owner(mine, previous.time if previous else "", writer.version)
    if previous is not None:
        merged = _pruned(shape, merged, previous.fields, others)
    difference = typed.compare(shape, base, merged)
    force = force or _only_last_applied(shape, live, patch, writer, difference, owners)
    settled = _take(shape, base, merged, others, writer, force=force)
    if difference.same:
        if previous is None or previous.fields.to_wire() != mine.to_wire():
            return _marked({**live}, settled)
        return None
    settled[writer] = replace(settled[writer], time=now())
    full = _restored(merged, live, config)
    full = _with_last_applied(full, live, config, writer)
    return _marked(full, settled)


def _update(
    shape: Shape, live: Obj, new: Obj, owners: _Owners, writer: Writer, reset: FieldSet
) -> _Owners:
    old, fresh = typed.stripped(live), typed.stripped(new)
    owners = _take(shape, old, fresh, owners, writer, force=True)
    found = typed.compare(shape, old, fresh)
    had = owners.get(writer)
    fields = had.fields if had else FieldSet()
    fields = fields.difference(found.removed).union(found.modified).union(found.added)
    fields = fields.without_below(reset)
    if not fields:
        owners.pop(writer, None)
        return owners
    same = had is not None and had.fields.to_wire() == fields.to_wire() and found.same
    owners[writer] = _Owner(fields, had.time if had and same else now(), writer.version)
    return _capped(owners)


def _take(
    shape: Shape, old: Obj, new: Obj, owners: _Owners, writer: Writer, *, force: bool
) -> _Owners:
    """Take changed fields from everybody else; raises ApiError 409 when that is not allowed."""
    found = typed.compare(shape, old, new)
    changed = found.modified.union(found.added)
    conflicts: dict[Writer, FieldSet] = {}
    settled: _Owners = {}
    for owner, had in owners.items():
        if owner == writer:
            settled[owner] = had
            continue
        lost = had.fields.intersection(changed)
        if lost:
            conflicts[owner] = lost
        fields = had.fields.difference(lost).difference(found.removed)
        fields = typed.known(shape, fields)
        if fields:
            settled[owner] = replace(had, fields=fields)
    if conflicts and not force:
        raise _conflict(conflicts)
    return settled


def _pruned(shape: Shape, merged: Obj, last: FieldSet, owners: _Owners) -> Obj:
    everybody = FieldSet()
    for one in owners.values():
        everybody = everybody.union(one.fields)
    gone = typed.with_containers(shape, last).difference(typed.with_containers(shape, everybody))
    pruned = typed.remove(shape, merged, gone)
    return dict(pruned)


def _conflict(conflicts: dict[Writer, FieldSet]) -> ApiError:
    causes, lines = [], []
    count = 0
    for owner in sorted(conflicts, key=lambda one: (one.manager, one.operation)):
        name = json.dumps(owner.manager)
        if owner.operation == "Update":
            if owner.subresource:
                name += f" with subresource {json.dumps(owner.subresource)}"
            name += f" using {owner.version}"
        paths = [shown(path) for path in conflicts[owner].paths()]
        count += len(paths)
        causes += [
            {"reason": "FieldManagerConflict", "message": f"conflict with {name}", "field": path}
            for path in paths
        ]
        lines.append((name, paths))
    if count == 1:
        text = f"conflict with {lines[0][0]}: {lines[0][1][0]}"
    else:
        text = "\n".join(
            f"conflicts with {name}:" + "".join(f"\n- {path}" for path in paths)
            for name, paths in lines
        )
    many = "conflict" if count == 1 else "conflicts"
    return ApiError(
        409, "Conflict", f"Apply failed with {count} {many}: {text}", {"causes": causes}
    )


def _only_last_applied(
    shape: Shape,
    live: Obj,
    patch: Obj,
    writer: Writer,
    difference: typed.Comparison,
    owners: _Owners,
) -> bool:
    """Say whether all conflicts are fields that kubectl itself applied client-side and kept."""
    text = ((live.get("metadata") or {}).get("annotations") or {}).get(LAST_APPLIED)
    if writer.manager != "kubectl" or not text:
        return False
    try:
        last = json.loads(text)
    except ValueError:
        return False
    allowed = typed.owned(shape, typed.stripped(last))
    changed = difference.modified.union(difference.added)
    for owner, had in owners.items():
        if owner != writer and had.fields.intersection(changed).difference(allowed):
            return False
    return bool(patch)


def _with_last_applied(full: Obj, live: Obj, config: Obj, writer: Writer) -> Obj:
    """Keep the annotation of client-side apply true when kubectl goes on server-side."""
    notes = (live.get("metadata") or {}).get("annotations") or {}
    if writer.manager != "kubectl" or LAST_APPLIED not in notes:
        return full
    meta = {k: v for k, v in config["metadata"].items() if k != "managedFields"}
    clean = {**config, "metadata": meta}
    text = json.dumps(clean, separators=(",", ":"), sort_keys=True, ensure_ascii=False) + "\n"
    own = full["metadata"]
    annotations = {**(own.get("annotations") or {}), LAST_APPLIED: text}
    return {**full, "metadata": {**own, "annotations": annotations}}


def _restored(merged: Obj, live: Obj, config: Obj) -> Obj:
    kept = {
        name: one
        for name, one in (live.get("metadata") or {}).items()
        if name in typed.UNOWNED_METADATA
    }
    named = {
        name: one
        for name, one in (config.get("metadata") or {}).items()
        if name in ("name", "namespace")
    }
    head = {"kind": config["kind"], "apiVersion": config["apiVersion"]}
    return {**head, **merged, "metadata": {**named, **kept, **(merged.get("metadata") or {})}}


def _has_content(live: Obj) -> bool:
    return "resourceVersion" in (live.get("metadata") or {})


def _read(obj: Obj, shape: Shape) -> _Owners:
    found: _Owners = {}
    for entry in (obj.get("metadata") or {}).get("managedFields") or ():
        operation = entry.get("operation", "Update")
        version = entry.get("apiVersion", "")
        key = Writer(
            entry.get("manager", ""),
            operation,
            version,
            entry.get("subresource", ""),
        )
        fields = typed.known(shape, FieldSet.of_wire(entry.get("fieldsV1") or {}))
        if key in found:
            fields = fields.union(found[key].fields)
        found[key] = _Owner(fields, entry.get("time", ""), version)
    return found


def _marked(obj: Obj, owners: _Owners) -> Obj:
    entries = []
    for owner, had in owners.items():
        if not had.fields:
            continue
        entry: Obj = {
            "manager": owner.manager,
            "operation": owner.operation,
            "apiVersion": had.version,
        }
        if had.time:
            entry["time"] = had.time
        entry |= {"fieldsType": "FieldsV1", "fieldsV1": had.fields.to_wire()}
        if owner.subresource:
            entry["subresource"] = owner.subresource
        entries.append(entry)
    entries.sort(key=lambda e: (e["operation"], e.get("time", ""), e["manager"]))
    meta = {k: v for k, v in (obj.get("metadata") or {}).items() if k != "managedFields"}
    if entries:
        meta["managedFields"] = entries
    return {**obj, "metadata": meta}


def _capped(owners: _Owners) -> _Owners:
    """Fold the oldest updaters into one when there are too many."""
    updaters = sorted(
        (one for one in owners if one.operation == "Update"), key=lambda one: owners[one].time
    )
    if len(updaters) <= MOST_UPDATERS:
        return owners
    folded = FieldSet()
    for one in updaters[: len(updaters) - MOST_UPDATERS + 1]:
        folded = folded.union(owners.pop(one).fields)
    version = updaters[0].version
    owners[Writer(ANCIENT, "Update", version)] = _Owner(folded, now(), version)
    return owners
