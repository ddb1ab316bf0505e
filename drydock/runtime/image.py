"""Image types: OCI config, manifest and layers, as they are written and as containers use them.

Called by registry.py, images.py and archive.py, and by the engine for the configuration of
containers. Docker's schema 2 and OCI differ in media types only, and both are read; what is written
is OCI unless an archive asks for Docker's form.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from drydock.runtime.errors import ImageFault

if TYPE_CHECKING:
    from drydock.runtime.snapshot import Snapshot

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
INDEX_TYPES = (OCI_INDEX, DOCKER_LIST)
MANIFEST_TYPES = (OCI_MANIFEST, DOCKER_MANIFEST)

# Images carry a fixed time, so that equal contents give equal digests.
EPOCH = "1970-01-01T00:00:00Z"


@dataclass(frozen=True)
class LayerBlob:
    """One layer tar in the blob store; digests are `sha256:<hex>`, sizes bytes."""

    digest: str
    size: int
    diff_id: str
    media_type: str

    def descriptor(self) -> dict[str, Any]:
        """Return the layer's entry in a manifest."""
        return {"mediaType": self.media_type, "digest": self.digest, "size": self.size}


@dataclass(frozen=True)
class ImageConfig:
    """The part of an OCI image config that a container inherits."""

    env: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    user: str = ""
    workdir: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    exposed_ports: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    stop_signal: str = ""
    architecture: str = "amd64"
    os: str = "linux"
    healthcheck: Mapping[str, Any] | None = None

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> ImageConfig:
        """Read an OCI or Docker image config; absent and null mean empty."""
        config = document.get("config") or {}
        return cls(
            env=tuple(config.get("Env") or ()),
            entrypoint=_words(config.get("Entrypoint")),
            cmd=_words(config.get("Cmd")),
            user=config.get("User") or "",
            workdir=config.get("WorkingDir") or "",
            labels=dict(config.get("Labels") or {}),
            exposed_ports=tuple(config.get("ExposedPorts") or ()),
            volumes=tuple(config.get("Volumes") or ()),
            stop_signal=config.get("StopSignal") or "",
            architecture=document.get("architecture") or "amd64",
            os=document.get("os") or "linux",
            healthcheck=config.get("Healthcheck"),
        )

    def to_json(self, diff_ids: tuple[str, ...], *, created: str = EPOCH) -> dict[str, Any]:
        """Return the image config document with its layers' uncompressed digests."""
        config: dict[str, Any] = {
            "User": self.user,
            "ExposedPorts": {port: {} for port in self.exposed_ports},
            "Env": list(self.env),
            "Entrypoint": list(self.entrypoint),
            "Cmd": list(self.cmd),
            "Volumes": {volume: {} for volume in self.volumes},
            "WorkingDir": self.workdir,
            "Labels": dict(self.labels),
            "StopSignal": self.stop_signal,
            "Healthcheck": self.healthcheck,
        }
        return {
            "created": created,
            "architecture": self.architecture,
            "os": self.os,
            "config": {key: value for key, value in config.items() if value},
            "rootfs": {"type": "layers", "diff_ids": list(diff_ids)},
            "history": [{"created": created, "created_by": "drydock"} for _ in diff_ids],
        }

    def variables(self) -> dict[str, str]:
        """Return `env` as a mapping."""
        return dict(entry.partition("=")[::2] for entry in self.env)


@dataclass(frozen=True)
class Image:
    """A pulled, imported or made image.

    Its manifest, config and layers are blobs of the state directory. `reference` is normalised and,
    when a registry answered, ends in its digest. `layers` is empty for an image made by a recipe,
    whose manifest nobody asked for yet; `digest` is then empty too.
    """

    reference: str
    config: ImageConfig
    snapshot: Snapshot
    digest: str = ""
    layers: tuple[LayerBlob, ...] = ()


def canonical(document: Mapping[str, Any]) -> bytes:
    """Return a JSON document in the one form whose digest is used."""
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def load_document(content: bytes, name: str) -> dict[str, Any]:
    """Read a manifest or index from outside.

    ImageFault names `name` if it is not what it should be.
    """
    try:
        document = json.loads(content)
    except ValueError as error:
        raise ImageFault(f"{name}: its manifest is not valid JSON: {error}") from error
    if not isinstance(document, dict) or document.get("schemaVersion") != 2:
        raise ImageFault(f"{name}: its manifest is of a form that has not been in use since 2017")
    entries = document.get("manifests")
    if entries is None:
        layers = document.get("layers")
        entries = [document.get("config"), *(layers if isinstance(layers, list) else [None])]
    if not isinstance(entries, list) or not all(map(_is_descriptor, entries)):
        raise ImageFault(f"{name}: its manifest names a blob without a sha256 digest or a size")
    return document


def _is_descriptor(entry: object) -> bool:
    return (
        isinstance(entry, dict)
        and isinstance(entry.get("size"), int)
        and re.fullmatch("sha256:[0-9a-f]{64}", str(entry.get("digest"))) is not None
    )


def choose_platform(index: Mapping[str, Any], platform: str, name: str) -> str:
    """Return the digest that an index has for `platform` (`os/architecture[/variant]`)."""
    wanted = [*platform.split("/"), "", ""][:3]
    offered = []
    for entry in index.get("manifests") or ():
        found = entry.get("platform") or {}
        system, architecture = found.get("os", "linux"), found.get("architecture", "")
        # An index of one image may leave the platform out.
        if not found or (
            [system, architecture] == wanted[:2] and wanted[2] in {"", found.get("variant", "")}
        ):
            return str(entry["digest"])
        offered.append(f"{system}/{architecture}")
    others = ", ".join(sorted(set(offered))) or "nothing"
    raise ImageFault(f"{name} has no image for {platform}, only for {others}")


def _words(value: str | list[str] | None) -> tuple[str, ...]:
    """Read a command that very old images give as one text."""
    if isinstance(value, str):
        return ("/bin/sh", "-c", value)
    return tuple(value or ())
