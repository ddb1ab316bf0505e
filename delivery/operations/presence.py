"""Whether a namespace is there, for those who may not read it too."""

from delivery.cluster import FORBIDDEN, ApiError, Cluster, Obj


def look_up(cluster: Cluster, namespace: str) -> tuple[bool, Obj | None]:
    """Tell whether a namespace may be read, and give it; one that may not is taken to be there. Raise ApiError."""
    try:
        return True, cluster.find(f"/api/v1/namespaces/{namespace}")
    except ApiError as error:
        if error.status == FORBIDDEN:
            return False, None
        raise


def is_missing(cluster: Cluster, namespace: str) -> bool:
    """Tell whether a namespace is certainly not there."""
    readable, found = look_up(cluster, namespace)
    return readable and found is None
