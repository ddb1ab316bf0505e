"""The two colours, and how objects are painted: one rendered Deployment and Service become two of each."""

import copy
from collections.abc import Iterator, Mapping
from enum import StrEnum

from delivery.cluster import Obj

LABEL = "shipyard.dev/colour"
RELEASE = "shipyard.dev/release"
LIVE = "shipyard.dev/live"
RUN = "shipyard.dev/run"
PREVIEW = "-preview"
_OF_THE_SERVER = ("uid", "resourceVersion", "generation", "creationTimestamp", "managedFields")
_OF_CONTROLLERS = ("deployment.kubernetes.io/", "kubectl.kubernetes.io/last-applied")


class Colour(StrEnum):
    """A side of an application."""

    BLUE = "blue"
    GREEN = "green"

    @property
    def other(self) -> "Colour":
        """The other side."""
        return Colour.GREEN if self is Colour.BLUE else Colour.BLUE


def side_name(application: str, colour: Colour) -> str:
    """Name the Deployment of a colour."""
    return f"{application}-{colour}"


def selected(service: Obj) -> Colour | None:
    """Tell which colour a Service selects; None when it does not care."""
    found = (service["spec"].get("selector") or {}).get(LABEL)
    return Colour(found) if found in list(Colour) else None


def without_colour(labels: Mapping[str, str]) -> dict[str, str]:
    """Leave out the colour."""
    return {key: value for key, value in labels.items() if key != LABEL}


def painted(deployment: Obj, application: str, colour: Colour, replicas: int) -> Obj:
    """Make the Deployment of a colour: own name, and the colour in selector and labels.

    Pods are spread among those of their own colour and keep off those, not off both: two colours that may not
    share a node would need twice the nodes.
    """
    made = bare(deployment)
    made["metadata"]["name"] = side_name(application, colour)
    _labels(made["metadata"])[LABEL] = colour
    spec = made["spec"]
    plain = dict(spec["selector"].get("matchLabels", {}))
    spec["replicas"] = replicas
    spec["selector"].setdefault("matchLabels", {})[LABEL] = colour
    _labels(spec["template"].setdefault("metadata", {}))[LABEL] = colour
    for selector in _apart(spec["template"]["spec"]):
        if _labels_of(selector) == without_colour(plain):
            selector.setdefault("matchLabels", {})[LABEL] = colour
    return made


def stripped(deployment: Obj, application: str, replicas: int) -> Obj:
    """Make the plain Deployment of a painted one: the same version, without any trace of colours."""
    made = bare(deployment)
    made["metadata"]["name"] = application
    spec = made["spec"]
    spec["replicas"] = replicas
    places = [made["metadata"].get("labels"), spec["selector"].get("matchLabels")]
    places.append(spec["template"]["metadata"].get("labels"))
    unpaint(spec["template"]["spec"])
    for labels in places:
        if labels:
            labels.pop(LABEL, None)
    return made


def unpaint(pod: Obj) -> None:
    """Take the colour out of the selectors by which a pod keeps off others."""
    for selector in _apart(pod):
        if selector.get("matchLabels", {}).pop(LABEL, None) and not selector["matchLabels"]:
            del selector["matchLabels"]


def preview_of(service: Obj, application: str, colour: Colour) -> Obj:
    """Make the preview Service: the same ports inside the cluster, the pods of one colour."""
    ports = [
        {k: v for k, v in port.items() if k != "nodePort"} for port in service["spec"]["ports"]
    ]
    selector = {**without_colour(service["spec"].get("selector") or {}), LABEL: colour}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": application + PREVIEW,
            "labels": dict(service["metadata"].get("labels") or {}),
        },
        "spec": {"type": "ClusterIP", "selector": selector, "ports": copy.deepcopy(ports)},
    }


def bare(obj: Obj) -> Obj:
    """Copy an object without what the server, controllers and earlier releases wrote into it."""
    made = copy.deepcopy({key: value for key, value in obj.items() if key != "status"})
    metadata = made["metadata"]
    for key in _OF_THE_SERVER:
        metadata.pop(key, None)
    notes = metadata.get("annotations") or {}
    metadata["annotations"] = {
        key: value
        for key, value in notes.items()
        if key not in (RELEASE, LIVE, RUN) and not key.startswith(_OF_CONTROLLERS)
    }
    return made


def _apart(pod: Obj) -> Iterator[Obj]:
    """List the selectors that tell which pods are spread, and which may not share a place."""
    affinity = (pod.get("affinity") or {}).get("podAntiAffinity") or {}
    preferred = affinity.get("preferredDuringSchedulingIgnoredDuringExecution") or []
    terms = [
        *(pod.get("topologySpreadConstraints") or []),
        *(affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or []),
        *(each.get("podAffinityTerm") or {} for each in preferred),
    ]
    for term in terms:
        if term.get("labelSelector"):
            yield term["labelSelector"]


def _labels_of(selector: Obj) -> dict[str, str] | None:
    """Read a selector as labels, also one that is written as expressions; None when it is more than that."""
    labels = without_colour(selector.get("matchLabels") or {})
    for each in selector.get("matchExpressions") or []:
        if each["operator"] != "In" or len(each["values"]) != 1:
            return None
        labels[each["key"]] = each["values"][0]
    return labels


def _labels(metadata: Obj) -> dict[str, str]:
    labels: dict[str, str] = dict(metadata.get("labels") or {})
    metadata["labels"] = labels
    return labels
