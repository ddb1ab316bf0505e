"""The image of a service: three layers, packed by our own packer, the same bytes everywhere.

Debian's packages below, the service's dependencies above them, its own files on top: a change of
the service packs the smallest layer anew and nothing else.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime

import anyio
import dagger

from pipelines.model import Commit, Image, Service
from pipelines.toolchains import debian, python, versions

USER = "10001:10001"
HOME = "/app"


@dataclass(frozen=True)
class Built:
    """A packed image: its OCI layout and what the packer said about it."""

    image: Image
    layout: dagger.Directory


async def lower_layers(
    service: Service, files: dagger.Directory, builder: dagger.Container
) -> tuple[dagger.Directory, dagger.Directory]:
    """Pack what lies below the service's own files, both at once; only their own changes count."""
    packages = debian.unpacked(builder, service.image.packages).directory("/root-fs")
    dependencies = python.runtime_root(files).directory("/root-fs")
    layers = pack(builder, packages), pack(builder, dependencies)
    async with anyio.create_task_group() as group:
        for layer in layers:
            group.start_soon(layer.sync)
    return layers


def pack(builder: dagger.Container, root: dagger.Directory, at: str = "") -> dagger.Directory:
    """Pack a tree into a layer."""
    command = ["python3", "/programs/pack.py", "layer", "--root=/root-fs", "--out=/layer"]
    packer = builder.with_mounted_directory("/root-fs", root)
    return packer.with_exec([*command, f"--at={at}"]).directory("/layer")


async def build_image(
    service: Service,
    files: dagger.Directory,
    commit: Commit,
    builder: dagger.Container,
) -> Built:
    """Build a service's image; its digest is a function of the files, the packages and the commit."""
    packages, dependencies = await lower_layers(service, files, builder)
    own = pack(builder, files.filter(include=list(service.image.files)), HOME)
    described = json.dumps(image_config(service, commit), sort_keys=True)
    assembled = (
        builder.with_mounted_directory("/layers/packages", packages)
        .with_mounted_directory("/layers/dependencies", dependencies)
        .with_mounted_directory("/layers/service", own)
        .with_new_file("/config.json", described)
        .with_exec(
            [
                "python3",
                "/programs/pack.py",
                "image",
                "--config=/config.json",
                "--out=/layout",
                "/layers/packages",
                "/layers/dependencies",
                "/layers/service",
            ]
        )
    )
    return Built(parse_image(service, await assembled.stdout()), assembled.directory("/layout"))


def parse_image(service: Service, told: str) -> Image:
    """Read what the packer wrote about an image."""
    values = json.loads(told)
    return Image(
        service=service.name,
        digest=values["digest"],
        unpacked=values["unpacked"],
        compressed=values["compressed"],
    )


def image_config(service: Service, commit: Commit) -> dict[str, object]:
    """Describe the image in the words of the OCI image specification."""
    created = datetime.fromtimestamp(commit.time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    annotations = {
        "org.opencontainers.image.created": created,
        "org.opencontainers.image.description": service.image.description,
        "org.opencontainers.image.revision": commit.full_version(service.name),
        "org.opencontainers.image.title": service.image.title,
        "org.opencontainers.image.version": commit.version(service.name),
    }
    operating_system, architecture = versions.PLATFORM
    environment = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        **dict(service.image.environment),
    }
    return {
        "created": created,
        "architecture": architecture,
        "os": operating_system,
        "annotations": annotations,
        "config": {
            "User": USER,
            "WorkingDir": HOME,
            "Env": [f"{name}={value}" for name, value in sorted(environment.items())],
            "Entrypoint": list(service.image.entrypoint),
            "Cmd": list(service.image.command),
            "ExposedPorts": {f"{service.port}/tcp": {}},
            "StopSignal": "SIGTERM",
            "Labels": annotations,
            "Healthcheck": {
                "Test": ["CMD", f"/usr/bin/python{versions.PYTHON}", "-c", _probe(service)],
                "Interval": 30_000_000_000,
                "Timeout": 3_000_000_000,
                "Retries": 3,
            },
        },
    }


def _probe(service: Service) -> str:
    address = f"http://127.0.0.1:{service.port}{service.health}"
    return f"import urllib.request as r; r.urlopen({address!r}, timeout=2)"
