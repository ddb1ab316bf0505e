"""Who owns a field: what a rollback brings back is taken over, so that the next release can take it out.

`kubectl rollout undo` writes fields as a manager of its own. A server-side apply removes only what its own
manager owns, so a variable that came back with an old revision would otherwise outlive every later release.
"""

from delivery.cluster import CONFLICT, ApiError, Cluster, Obj
from delivery.follow import get
from delivery.progress import say

MANAGER = "shipyard"
TRIES = 10
"""The Deployment's controller writes at the same time; each try starts from what it wrote."""


def take_over(cluster: Cluster, namespace: str, name: str) -> None:
    """Own the pods' template of a Deployment; a cluster that does not let us spoils no rollback."""
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}"
    for left in reversed(range(TRIES)):
        try:
            found = get(cluster, namespace, name)
            entries = joined(found["metadata"].get("managedFields", [])) if found else None
            if found is None or entries is None:
                return
            version = found["metadata"]["resourceVersion"]
            metadata = {"resourceVersion": version, "managedFields": entries}
            cluster.request("PATCH", path, {"metadata": metadata})
        except ApiError as error:
            if error.status == CONFLICT and left:
                continue
            say(f"{name}: what the rollback brought back stays its own: {error}")
        return


def joined(entries: list[Obj]) -> list[Obj] | None:
    """Move the ownership of the pods' template to our own apply; None when there is nothing to move."""
    ours = next((each for each in entries if _key(each) == (MANAGER, "Apply", "")), None)
    if ours is None:
        return None
    moved = False
    for entry in entries:
        spec = entry.get("fieldsV1", {}).get("f:spec", {})
        if entry["operation"] != "Update" or entry.get("subresource") or "f:template" not in spec:
            continue
        owned = ours["fieldsV1"].setdefault("f:spec", {}).setdefault("f:template", {})
        _merge(owned, spec.pop("f:template"))
        if not spec:
            # An empty set would own the whole of it.
            del entry["fieldsV1"]["f:spec"]
        moved = True
    return [each for each in entries if each.get("fieldsV1")] if moved else None


def _key(entry: Obj) -> tuple[str, str, str]:
    return entry["manager"], entry["operation"], entry.get("subresource", "")


def _merge(target: Obj, source: Obj) -> None:
    for key, value in source.items():
        _merge(target.setdefault(key, {}), value)
