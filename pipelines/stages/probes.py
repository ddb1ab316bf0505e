"""Whether the manifests ask a service where its `service.yaml` says that it answers.

The pod's probes decide who gets traffic, `probes` decide what verification and gates ask. When they differ, a
release can be judged by one path and served by another.
"""

from collections.abc import Iterator
from typing import Any

import yaml

from pipelines.model import Service
from pipelines.stages.subject import Subject

_FILES = "*.y*ml"


async def find_probe_faults(subject: Subject) -> list[str]:
    """Compare a service's manifests with its description; give one line per difference."""
    service = subject.service
    if not await subject.repository.exists(service.manifests):
        return []
    folder = subject.repository.directory(service.manifests)
    faults = []
    for name in sorted(await folder.glob(_FILES)):
        text = await folder.file(name).contents()
        faults += probe_faults(service, f"{service.manifests}/{name}", text)
    return faults


def probe_faults(service: Service, file: str, text: str) -> list[str]:
    """Compare the probes of the containers that run a service's image; those that ask no path are let be."""
    try:
        objects = [each for each in yaml.safe_load_all(text) if isinstance(each, dict)]
    except yaml.YAMLError as error:
        return [f"{file}: not valid YAML: {' '.join(str(error).split())}"]
    meant = {
        "readinessProbe": ("ready", service.probes.ready),
        "livenessProbe": ("health", service.probes.health),
    }
    return [
        f"{file}: {probe} asks {asked}, but probes.{key} in {service.file} is {path}"
        for container in _containers(objects, service.name)
        for probe, (key, path) in meant.items()
        if (asked := _at(container, probe, "httpGet").get("path")) not in (None, path)
    ]


def _containers(objects: list[dict[str, Any]], image: str) -> Iterator[dict[str, Any]]:
    """Find the containers of an image; manifests name it without a registry, as the delivery pins it."""
    for each in objects:
        listed = _at(each, "spec", "template", "spec").get("containers")
        for container in listed if isinstance(listed, list) else []:
            if isinstance(container, dict) and container.get("image") == image:
                yield container


def _at(value: dict[str, Any], *keys: str) -> dict[str, Any]:
    """Go down by keys; give an empty mapping where there is none."""
    for key in keys:
        below = value.get(key)
        value = below if isinstance(below, dict) else {}
    return value
