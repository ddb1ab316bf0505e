"""Notes on Deployments: which version and revision runs, and that it was seen working.

git says what is wanted; these say what became of it, where `status`, the next delivery, and applying mode
look. A cluster that does not take them spoils no release.
"""

from collections.abc import Mapping

from delivery.cluster import ApiError, Cluster
from delivery.follow import get
from delivery.gitops.message import Place
from delivery.progress import say
from delivery.render import CAUSE, REVISION, VERSION
from delivery.revisions import remember, remember_return, replica_sets
from delivery.rollout import newest


def note(
    cluster: Cluster, namespace: str, places: Mapping[str, Place], *, returned: bool = False
) -> None:
    """Write what runs on each Deployment and mark it as good. What is not known is taken away.

    `returned` marks it as what somebody went back to.
    """
    for name, place in places.items():
        annotations = {
            VERSION: place.version or None,
            REVISION: place.revision or None,
            CAUSE: f"shipyard {place.version}" if place.version else None,
        }
        path = f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}"
        try:
            cluster.request("PATCH", path, {"metadata": {"annotations": annotations}})
            found = get(cluster, namespace, name) if returned else None
            current = newest(found, replica_sets(cluster, namespace, found)) if found else None
        except ApiError as error:
            say(f"{name}: its version could not be noted: {error}")
            continue
        if current is not None:
            remember_return(cluster, namespace, name, current)
    if not returned:
        remember(cluster, namespace, list(places))
