"""Image types (being filled)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from drydock.runtime.snapshot import Snapshot


@dataclass(frozen=True)
class LayerBlob:
    """One layer tar in the blob store; digests are `sha256:<hex>`, sizes bytes."""

    digest: str
    size: int
    diff_id: str
    media_type: str


@dataclass(frozen=True)
class ImageConfig:
    """The part of an OCI image config that a container inherits."""

    env: tuple[str, ...] = ()  # NAME=value, in order
    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    user: str = ""
    workdir: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    exposed_ports: tuple[str, ...] = ()  # "8080/tcp"
    volumes: tuple[str, ...] = ()
    stop_signal: str = ""
    architecture: str = "amd64"
    os: str = "linux"
    healthcheck: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Image:
    """A pulled, imported or made image."""

    reference: str  # normalised, with digest when a registry answered
    config: ImageConfig
    snapshot: Snapshot
    digest: str  # manifest digest
    layers: tuple[LayerBlob, ...] = ()  # empty: made by a recipe, layers are exported on demand
