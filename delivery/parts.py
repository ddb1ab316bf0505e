"""The parts of a release: the objects that all services share, and those of each service.

A service's objects carry its name as the label `app.kubernetes.io/name`, or as their own name. What
belongs to a service that an environment runs but this plan does not deliver is left alone: its image
is not known here.
"""

from dataclasses import dataclass

from delivery.cluster import Obj
from delivery.plan import Plan
from delivery.progress import say

NAME = "app.kubernetes.io/name"


@dataclass(frozen=True)
class Parts:
    """Objects in the order they were rendered; `services` has an entry for every service of the plan."""

    shared: tuple[Obj, ...]
    services: dict[str, tuple[Obj, ...]]

    @property
    def objects(self) -> list[Obj]:
        """Everything that this release applies."""
        return [*self.shared, *(obj for part in self.services.values() for obj in part)]


def split(objects: list[Obj], plan: Plan) -> Parts:
    """Sort rendered objects by the service that they belong to."""
    ours = [service.name for service in plan.services]
    others = {obj["metadata"]["name"] for obj in objects if _unpinned(obj)}.difference(ours)
    for name in sorted(others):
        say(f"{name} is not in this plan: it stays as it is")
    sorted_out: dict[str, list[Obj]] = {name: [] for name in ("", *ours, *others)}
    for obj in objects:
        owner = next((name for name in _names(obj) if name in sorted_out), "")
        sorted_out[owner].append(obj)
    return Parts(tuple(sorted_out[""]), {name: tuple(sorted_out[name]) for name in ours})


def deployments(objects: list[Obj] | tuple[Obj, ...]) -> list[str]:
    """List the names of the Deployments among objects."""
    return [each["metadata"]["name"] for each in objects if each["kind"] == "Deployment"]


def _names(obj: Obj) -> tuple[str, str]:
    metadata = obj["metadata"]
    return (metadata.get("labels") or {}).get(NAME) or metadata["name"], metadata["name"]


def _unpinned(obj: Obj) -> bool:
    """Tell whether a Deployment still has the bare name for an image, where a delivery puts the digest."""
    if obj["kind"] != "Deployment":
        return False
    containers = obj["spec"]["template"]["spec"]["containers"]
    return any(each["image"] == obj["metadata"]["name"] for each in containers)
