"""Objects by their path: versions, generations, and the writes as an API server judges them."""

import copy
import itertools
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tests.delivery.memory.fields import Fields

Obj = dict[str, Any]


class RefusalError(Exception):
    """What the API server does not do."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Store:
    """The objects. What is kept is never changed in place, so reading gives it away as it is."""

    def __init__(self) -> None:
        self.objects: dict[str, Obj] = {}
        self.fields = Fields()
        self._versions = itertools.count(1)
        self._uids = itertools.count(1)

    def get(self, path: str) -> Obj:
        """Give an object."""
        if path not in self.objects:
            raise RefusalError(404, f"{path} not found")
        return self.objects[path]

    def list(self, folder: str, selector: Mapping[str, str] | None = None) -> list[Obj]:
        """List the objects right below a folder that carry the labels."""
        wanted, start = (selector or {}).items(), f"{folder}/"
        found = [
            (path, obj)
            for path, obj in self.objects.items()
            if path.startswith(start)
            and "/" not in path[len(start) :]
            and wanted <= (obj["metadata"].get("labels") or {}).items()
        ]
        return [obj for _, obj in sorted(found, key=lambda each: each[0])]

    def create(self, folder: str, obj: Obj, manager: str, now: datetime) -> Obj:
        """Create an object that is not there."""
        path = f"{folder}/{obj['metadata']['name']}"
        if path in self.objects:
            raise RefusalError(409, f"{path} already exists")
        if obj["metadata"].get("resourceVersion"):
            raise RefusalError(400, "resourceVersion should not be set on objects to be created")
        self._keep(path, self._new(folder, obj, now), manager)
        return self.get(path)

    def replace(self, path: str, obj: Obj, manager: str) -> Obj:
        """Replace an object as a whole but for its status."""
        before = self.get(path)
        self._same_version(path, obj, before)
        kept = {key: before[key] for key in ("status",) if key in before}
        after = {**copy.deepcopy(obj), **kept}
        after["metadata"] = {**after["metadata"], **_of_the_server(before)}
        return self._change(path, before, after, manager)

    def merge(self, path: str, patch: Obj, manager: str) -> Obj:
        """Merge a patch into an object."""
        before = self.get(path)
        self._same_version(path, patch, before)
        after = merged(before, patch)
        after["metadata"] = {**after["metadata"], **_of_the_server(before)}
        return self._change(path, before, after, manager)

    def apply(self, path: str, obj: Obj, manager: str, now: datetime, *, force: bool) -> Obj:
        """Apply server-side: what this manager does not say any more goes, others' fields stay."""
        if path not in self.objects:
            if obj["metadata"].get("uid"):
                raise RefusalError(409, "uid mismatch: there is no object of that uid")
            made = self._new(path.rpartition("/")[0], obj, now)
            self._keep(path, made, f"{manager}:apply", said=obj)
            return self.get(path)
        before = self.get(path)
        self._same_version(path, obj, before)
        conflicts = self.fields.conflicts(path, f"{manager}:apply", before, obj)
        if conflicts and not force:
            raise RefusalError(409, f"conflicts on {', '.join(map('.'.join, conflicts))}")
        after = self.fields.applied(path, f"{manager}:apply", before, obj)
        after["metadata"] = {**after["metadata"], **_of_the_server(before)}
        return self._change(path, before, after, f"{manager}:apply", said=obj)

    def delete(self, path: str, conditions: Mapping[str, str]) -> None:
        """Delete an object if it is the one that is meant."""
        metadata = self.get(path)["metadata"]
        for key, value in conditions.items():
            if metadata[key] != value:
                raise RefusalError(409, f"the {key} in the precondition does not match")
        del self.objects[path]
        self.fields.forget(path)

    def set_status(self, path: str, **changes: Any) -> None:
        """Change an object as a controller does: no new generation, no manager that counts."""
        before = self.get(path)
        if any(before.get(key) != value for key, value in changes.items()):
            after = {**before, **changes}
            self.objects[path] = _of_version(after, next(self._versions))

    def _same_version(self, path: str, given: Obj, before: Obj) -> None:
        version = given.get("metadata", {}).get("resourceVersion")
        if version and version != before["metadata"]["resourceVersion"]:
            raise RefusalError(409, f"{path}: the object has been modified")

    def _new(self, folder: str, obj: Obj, now: datetime) -> Obj:
        made = copy.deepcopy(obj)
        made["metadata"] |= {
            "uid": f"uid-{next(self._uids)}",
            "generation": 1,
            "creationTimestamp": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        parts = folder.split("/")
        if "namespaces" in parts[:-1]:
            made["metadata"]["namespace"] = parts[parts.index("namespaces") + 1]
        return made

    def _keep(self, path: str, obj: Obj, manager: str, said: Obj | None = None) -> None:
        self.fields.written(path, manager, {}, obj, said)
        self.objects[path] = _of_version(obj, next(self._versions))

    def _change(
        self, path: str, before: Obj, after: Obj, manager: str, said: Obj | None = None
    ) -> Obj:
        if before.get("kind") == "Deployment" and (
            before["spec"]["selector"] != after["spec"]["selector"]
        ):
            raise RefusalError(422, "spec.selector: field is immutable")
        self.fields.written(path, manager, before, after, said)
        if before == after:
            return before
        if before.get("spec") != after.get("spec"):
            generation = before["metadata"]["generation"] + 1
            after = {**after, "metadata": {**after["metadata"], "generation": generation}}
        self.objects[path] = _of_version(after, next(self._versions))
        return self.get(path)


def merged(target: Any, patch: Any) -> Any:
    """Merge as RFC 7386 says."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


def _of_version(obj: Obj, version: int) -> Obj:
    return {**obj, "metadata": {**obj["metadata"], "resourceVersion": str(version)}}


def _of_the_server(obj: Obj) -> Obj:
    keys = ("uid", "generation", "creationTimestamp", "namespace", "resourceVersion")
    return {key: obj["metadata"][key] for key in keys if key in obj["metadata"]}
