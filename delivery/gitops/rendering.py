"""Rendering: what a commit would make of the cluster, compared with what the branch makes of it now.

The textual edit is judged by its effect: exactly the images of the moved services differ, and nothing else.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from delivery.cluster import Cluster, KubectlError, Obj
from delivery.errors import PlanError, Refused
from delivery.gitops.pins import Pin
from delivery.preflight import objects_of

WORDS = 200
_CONTAINERS = ("containers", "initContainers", "ephemeralContainers")


class Change(NamedTuple):
    """The image of a service, before and after; no pin before means its bare name."""

    before: Pin | None
    after: Pin


class Difference(NamedTuple):
    """Two rendered values that differ, and the way to them."""

    path: tuple[str | int, ...]
    before: object
    after: object


def rendered(cluster: Cluster, namespace: str, folder: Path) -> list[Obj]:
    """Render an overlay; raise PlanError when it does not build."""
    try:
        text = cluster.kubectl("kustomize", str(folder))
    except KubectlError as error:
        raise PlanError(f"the overlay on the branch does not build: {error}") from error
    return objects_of(cluster, namespace, text)


def check_rendering(before: list[Obj], after: list[Obj], changes: Mapping[str, Change]) -> None:
    """Refuse a commit that does less than it should, or anything else; raise PlanError or Refused."""
    for each in differences(before, after):
        if not _wanted(each, changes):
            where = ".".join(map(str, each.path)) or "which objects there are"
            raise Refused(
                f"the commit would also change {where}, from {_short(each.before)} to {_short(each.after)}",
                "a delivery changes the images of its services and nothing else",
                "look at `images` in the environment's kustomization; another entry or a replacement"
                " reads these images",
            )
    for name, change in changes.items():
        if str(change.after) not in images_of(after, name):
            raise PlanError(
                f"no container of the Deployment {name} uses the image {name!r}: list ../../apps/{name} in"
                " the overlay, and name the image so in its manifests; delivery puts the digest there"
            )
    bare = sorted({obj["metadata"]["name"] for obj in after if _bare(obj)})
    if bare:
        raise Refused(
            f"the cluster would be given {', '.join(bare)} with no more than the name for an image",
            "who applies the folder applies all of it, so every service in it needs a pin",
            f"deliver {', '.join(bare)} in the same plan once, or take them out of the overlay",
        )


def differences(before: object, after: object, *path: str | int) -> Iterator[Difference]:
    """List where two values differ, as deep inside as possible."""
    if isinstance(before, dict) and isinstance(after, dict) and before.keys() == after.keys():
        for key in before:
            yield from differences(before[key], after[key], *path, key)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for at, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from differences(one, other, *path, at)
    elif before != after:
        yield Difference(path, before, after)


def images_of(objects: list[Obj], name: str) -> set[str]:
    """List the images of the Deployment of a service."""
    return {
        container["image"]
        for obj in objects
        if obj["kind"] == "Deployment" and obj["metadata"]["name"] == name
        for container in _containers(obj)
    }


def _short(value: object) -> str:
    told = repr(value)
    return told if len(told) <= WORDS else f"{told[:WORDS]}..."


def _containers(obj: Obj) -> list[Obj]:
    pod = obj["spec"]["template"]["spec"]
    return [each for key in _CONTAINERS for each in pod.get(key) or []]


def _wanted(difference: Difference, changes: Mapping[str, Change]) -> bool:
    """Tell whether a difference is the image of a container that becomes what it shall be."""
    path = difference.path
    if len(path) < len(_CONTAINERS) or path[-1] != "image" or path[-3] not in _CONTAINERS:
        return False
    for name, change in changes.items():
        old = str(change.before) if change.before else name
        if difference.after == str(change.after) and difference.before == old:
            return True
    return False


def _bare(obj: Obj) -> bool:
    """Tell whether a Deployment has its own name for an image, where a delivery puts the digest."""
    name = obj["metadata"]["name"]
    return obj["kind"] == "Deployment" and any(each["image"] == name for each in _containers(obj))
