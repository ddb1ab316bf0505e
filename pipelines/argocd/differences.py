"""The peace treaty: fields that a delivery writes and Argo CD must neither report nor undo.

A blue-green service's colour stands in the selector of its Service and in the labels of its Deployments, whose number of
pods follows the live colour. None of that is in git, so that without these lines every switch would look like drift.
"""

from collections.abc import Iterable

from pipelines.model import Environment, Service

COLOUR = "shipyard.dev/colour"
"""The label of `delivery`'s colours; a test compares the two."""
COLOURS = ("blue", "green")
NOTES = ("shipyard.dev/live", "shipyard.dev/run")
Difference = dict[str, object]


def ignored(environment: Environment, services: Iterable[Service]) -> list[Difference]:
    """List what Argo CD ignores of the services that are blue-green in an environment."""
    found: list[Difference] = []
    for service in services:
        if environment.delivery(service).is_blue_green:
            found.append(_switch(service.name))
            names = (service.name, *(f"{service.name}-{colour}" for colour in COLOURS))
            found += [_deployment(name) for name in names]
    return found


def _switch(name: str) -> Difference:
    pointers = [_pointer("spec", "selector", COLOUR)]
    pointers += [_pointer("metadata", "annotations", note) for note in NOTES]
    return {"group": "", "kind": "Service", "name": name, "jsonPointers": pointers}


def _deployment(name: str) -> Difference:
    pointers = [
        _pointer("spec", "replicas"),
        _pointer("metadata", "labels", COLOUR),
        _pointer("spec", "selector", "matchLabels", COLOUR),
        _pointer("spec", "template", "metadata", "labels", COLOUR),
    ]
    return {"group": "apps", "kind": "Deployment", "name": name, "jsonPointers": pointers}


def _pointer(*keys: str) -> str:
    """Write a JSON pointer (RFC 6901)."""
    return "".join(f"/{key.replace('~', '~0').replace('/', '~1')}" for key in keys)
