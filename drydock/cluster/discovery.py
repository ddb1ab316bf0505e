"""Which resources there are: legacy and aggregated discovery documents."""

from __future__ import annotations

from drydock.cluster.errors import Obj
from drydock.cluster.resources import Registry, Resource, Subresource

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


def api_versions(address: str) -> Obj:
    """Return `/api`."""
    servers = [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}]
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": servers}


def group_list(registry: Registry) -> Obj:
    """Return `/apis`."""
    groups = [_group(name, versions) for name, versions in registry.groups().items()]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}


def group(registry: Registry, name: str) -> Obj | None:
    """Return `/apis/GROUP`, None when there is no such group."""
    versions = registry.groups().get(name)
    if versions is None:
        return None
    return {"kind": "APIGroup", "apiVersion": "v1", **_group(name, versions)}


def resource_list(registry: Registry, name: str, version: str) -> Obj | None:
    """Return `/apis/GROUP/VERSION` (or `/api/v1`), None when it is not served."""
    rows = registry.served(name, version)
    if not rows:
        return None
    items: list[tuple[str, Obj]] = []
    for row in rows:
        items.append((row.plural, _resource(row)))
        items += [(f"{row.plural}/{sub.name}", _sub(row, sub)) for sub in row.subresources]
    items.sort(key=lambda pair: pair[0])
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": rows[0].group_version,
        "resources": [item for _, item in items],
    }


def aggregated(registry: Registry, *, core: bool) -> Obj:
    """Return the aggregated document of `/api` or `/apis`."""
    groups = {"": ["v1"]} if core else registry.groups()
    items = []
    for name, versions in groups.items():
        meta = {"name": name} if name else {}
        items.append(
            {
                "metadata": meta,
                "versions": [
                    {
                        "version": version,
                        "resources": [_aggregated(row) for row in registry.served(name, version)],
                        "freshness": "Current",
                    }
                    for version in versions
                ],
            }
        )
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": items,
    }


def _group(name: str, versions: list[str]) -> Obj:
    known = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {"name": name, "versions": known, "preferredVersion": known[0]}


def _resource(row: Resource) -> Obj:
    made: Obj = {
        "name": row.plural,
        "singularName": row.single,
        "namespaced": row.namespaced,
        "kind": row.kind,
        "verbs": list(row.verbs),
    }
    if row.short:
        made["shortNames"] = list(row.short)
    if row.categories:
        made["categories"] = list(row.categories)
    if row.stored and row.plural != "componentstatuses":
        made["storageVersionHash"] = row.storage_hash
    return made


def _sub(row: Resource, sub: Subresource) -> Obj:
    made: Obj = {
        "name": f"{row.plural}/{sub.name}",
        "singularName": "",
        "namespaced": row.namespaced,
    }
    if sub.group is not None:
        made |= {"group": sub.group, "version": sub.version}
    return {**made, "kind": sub.kind, "verbs": list(sub.verbs)}


def _aggregated(row: Resource) -> Obj:
    made: Obj = {
        "resource": row.plural,
        "responseKind": _kind(row, row.kind),
        "scope": "Namespaced" if row.namespaced else "Cluster",
        "singularResource": row.single,
        "verbs": list(row.verbs),
    }
    if row.short:
        made["shortNames"] = list(row.short)
    if row.categories:
        made["categories"] = list(row.categories)
    if row.subresources:
        made["subresources"] = [
            {
                "subresource": sub.name,
                "responseKind": _kind(row, sub.kind, sub.group, sub.version),
                "verbs": list(sub.verbs),
            }
            for sub in row.subresources
        ]
    return made


def _kind(row: Resource, kind: str, group_name: str | None = None, version: str = "") -> Obj:
    """Return a response kind; the built-in ones of the core group leave group and version empty."""
    if group_name is not None:
        return {"group": group_name, "version": version, "kind": kind}
    if row.custom or row.group:
        return {"group": row.group, "version": row.version, "kind": kind}
    return {"group": "", "version": "", "kind": kind}
