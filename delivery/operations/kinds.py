"""The kinds of objects that a namespace can hold, as the API server names them, custom ones included."""

from dataclasses import dataclass

from delivery.cluster import ApiError, Cluster, Obj

NEEDED = frozenset({"list", "delete"})
REPORTS = frozenset({"events", "endpoints", "endpointslices"})
"""What controllers write about other objects; it goes with them."""


@dataclass(frozen=True)
class Kind:
    """A kind, and the folder of the API that its objects are in."""

    api: str
    name: str
    plural: str

    def path(self, namespace: str, name: str = "") -> str:
        """Name the path of an object, or of all in a namespace."""
        root = f"/apis/{self.api}" if "/" in self.api else f"/api/{self.api}"
        folder = f"{root}/namespaces/{namespace}/{self.plural}"
        return f"{folder}/{name}" if name else folder


def namespaced_kinds(cluster: Cluster) -> tuple[list[Kind], list[str]]:
    """List kinds, and the groups of the API that do not say what they hold; raise ApiError."""
    groups = cluster.request("GET", "/apis").get("groups") or []
    versions = ["v1", *(each["preferredVersion"]["groupVersion"] for each in groups)]
    found: list[Kind] = []
    silent: list[str] = []
    for version in versions:
        root = f"/apis/{version}" if "/" in version else f"/api/{version}"
        try:
            listed = cluster.request("GET", root).get("resources") or []
        except ApiError as error:
            silent.append(f"{version}: {error}")
            continue
        found += [Kind(version, each["kind"], each["name"]) for each in listed if _holds(each)]
    return found, silent


def _holds(resource: Obj) -> bool:
    """Tell whether objects of a resource can be listed and deleted one by one."""
    plain = "/" not in resource["name"] and resource["name"] not in REPORTS
    return (
        plain and bool(resource.get("namespaced")) and NEEDED.issubset(resource.get("verbs") or ())
    )
