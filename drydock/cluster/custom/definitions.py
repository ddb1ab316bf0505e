"""Serve what a CustomResourceDefinition describes, and tell so in its status.

`hooks` calls `serve` when a definition is stored and `unserve` when it is gone; the API calls
`serve` for every stored definition at its start.
"""

from __future__ import annotations

from drydock.cluster.core import Core
from drydock.cluster.errors import Obj
from drydock.cluster.identity import now
from drydock.cluster.resources import Resource, Subresource
from drydock.cluster.store import Key

DEFINITIONS = "customresourcedefinitions.apiextensions.k8s.io"


def serve(core: Core, definition: Obj) -> None:
    """Put the served versions into the registry; mark the definition established."""
    if "deletionTimestamp" in definition["metadata"]:
        return
    spec = definition["spec"]
    core.registry.remove(spec["group"], spec["names"]["plural"])
    storage = next((v["name"] for v in spec["versions"] if v.get("storage")), "")
    for version in spec["versions"]:
        if not version.get("served"):
            continue
        row = _row(spec, version, storage)
        core.registry.add(row)
        schema = (version.get("schema") or {}).get("openAPIV3Schema") or {
            "type": "object",
            "x-kubernetes-preserve-unknown-fields": True,
        }
        core.shapes.add_custom(row.group_version, row.kind, schema)
    _establish(core, definition)


def unserve(core: Core, definition: Obj) -> None:
    """Take the versions out of the registry and remove what is stored of them."""
    spec = definition["spec"]
    qualified = f"{spec['names']['plural']}.{spec['group']}"
    for obj in core.store.all(qualified):
        meta = obj["metadata"]
        core.store.remove(Key(qualified, meta.get("namespace", ""), meta["name"]))
    core.registry.remove(spec["group"], spec["names"]["plural"])
    for version in spec["versions"]:
        core.shapes.remove_custom(f"{spec['group']}/{version['name']}", spec["names"]["kind"])


def scale_paths(core: Core, resource: Resource) -> tuple[str, str, str]:
    """Return where an object holds wished replicas, present replicas and selector."""
    if not resource.custom:
        return ".spec.replicas", ".status.replicas", ".spec.selector"
    definition = core.find(DEFINITIONS, "", resource.qualified) or {"spec": {"versions": []}}
    for version in definition["spec"]["versions"]:
        if version["name"] == resource.version:
            scale = (version.get("subresources") or {}).get("scale") or {}
            return (
                scale.get("specReplicasPath", ".spec.replicas"),
                scale.get("statusReplicasPath", ".status.replicas"),
                scale.get("labelSelectorPath", ""),
            )
    return ".spec.replicas", ".status.replicas", ""


def _row(spec: Obj, version: Obj, storage: str) -> Resource:
    names = spec["names"]
    subs = []
    wanted = version.get("subresources") or {}
    if "scale" in wanted:
        subs.append(Subresource("scale", "Scale", group="autoscaling", version="v1"))
    if "status" in wanted:
        subs.append(Subresource("status", names["kind"]))
    return Resource(
        spec["group"],
        version["name"],
        names["plural"],
        names["kind"],
        namespaced=spec["scope"] == "Namespaced",
        singular=names.get("singular", ""),
        short=tuple(names.get("shortNames") or ()),
        categories=tuple(names.get("categories") or ()),
        subresources=tuple(subs),
        list_kind=names.get("listKind", ""),
        custom=True,
        storage_version=storage,
    )


def _establish(core: Core, definition: Obj) -> None:
    names = definition["spec"]["names"]
    status = definition.get("status") or {}
    if status.get("acceptedNames") == names and status.get("conditions"):
        return
    moment = now()
    conditions = [
        ("NamesAccepted", "NoConflicts", "no conflicts found"),
        ("Established", "InitialNamesAccepted", "the initial names have been accepted"),
    ]
    made = {
        **definition,
        "status": {
            **status,
            "acceptedNames": names,
            "conditions": [
                {
                    "lastTransitionTime": moment,
                    "message": message,
                    "reason": reason,
                    "status": "True",
                    "type": kind,
                }
                for kind, reason, message in conditions
            ],
        },
    }
    core.store.replace(Key(DEFINITIONS, "", definition["metadata"]["name"]), made)
