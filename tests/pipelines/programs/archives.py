"""OCI archives as build engines write them, with as much disorder as they are allowed."""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
PLAIN = "application/vnd.oci.image.layer.v1.tar"
GZIP = f"{PLAIN}+gzip"
DOCKER_GZIP = "application/vnd.docker.image.rootfs.diff.tar.gzip"
ZSTD = f"{PLAIN}+zstd"
ATTESTATION = {"vnd.docker.reference.type": "attestation-manifest"}

Member = tuple[tarfile.TarInfo, bytes]


def file(name: str, content: bytes = b"", **values: Any) -> Member:
    """Make a regular file's entry; `values` are attributes of TarInfo."""
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(content), 0o644
    for key, value in values.items():
        setattr(info, key, value)
    return info, content


def folder(name: str, **values: Any) -> Member:
    """Make a folder's entry."""
    return file(name, **{"type": tarfile.DIRTYPE, "mode": 0o755, **values})


def link(name: str, target: str) -> Member:
    """Make a hard link's entry."""
    return file(name, type=tarfile.LNKTYPE, linkname=target)


def symlink(name: str, target: str) -> Member:
    """Make a symbolic link's entry."""
    return file(name, type=tarfile.SYMTYPE, linkname=target, mode=0o777)


def layer(*members: Member, time: int = 0) -> bytes:
    """Write entries in the given order, all of one time."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for info, content in members:
            info.mtime = time
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


@dataclass
class Archive:
    """An archive in the making."""

    config: dict[str, Any] = field(default_factory=dict)
    prefix: str = ""
    media_type: str = GZIP
    nested: bool = False
    attested: bool = False
    blobs: dict[str, bytes] = field(default_factory=dict)

    def blob(self, content: bytes, media_type: str, **values: Any) -> dict[str, Any]:
        """Keep a blob; give its descriptor."""
        digest = hashlib.sha256(content).hexdigest()
        self.blobs[digest] = content
        described = {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(content)}
        return {**described, **values}

    def document(self, value: object, media_type: str, **values: Any) -> dict[str, Any]:
        """Keep a JSON document, in no canonical form."""
        return self.blob(json.dumps(value, indent=3).encode(), media_type, **values)

    def manifest(self, layers: Iterable[bytes]) -> dict[str, Any]:
        """Keep an image."""
        plain = list(layers)
        described = [
            self.blob(
                gzip.compress(each, 1) if "gzip" in self.media_type else each, self.media_type
            )
            for each in plain
        ]
        config = {
            "architecture": "amd64",
            "os": "linux",
            "created": "2024-05-05T05:05:05Z",
            "config": self.config,
            "history": [{"created_by": "RUN something"}],
            "rootfs": {
                "type": "layers",
                "diff_ids": [f"sha256:{hashlib.sha256(each).hexdigest()}" for each in plain],
            },
        }
        image = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": self.document(config, CONFIG),
            "layers": described,
        }
        return self.document(image, MANIFEST)

    def index(self, manifests: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Make an index; an attestation may stand before the image."""
        before = []
        if self.attested:
            attestation = {"schemaVersion": 2, "mediaType": MANIFEST, "layers": []}
            before = [self.document(attestation, MANIFEST, annotations=ATTESTATION)]
        return {"schemaVersion": 2, "mediaType": INDEX, "manifests": [*before, *manifests]}

    def write(self, path: Path, *layers: bytes) -> Path:
        """Write the whole."""
        manifests = [self.manifest(layers)]
        if self.nested:
            manifests = [self.document(self.index(manifests), INDEX)]
        return self.save(path, self.index(manifests))

    def save(self, path: Path, index: dict[str, Any]) -> Path:
        """Write an index and all blobs."""
        entries = {
            "oci-layout": b'{"imageLayoutVersion": "1.0.0"}',
            **{f"blobs/sha256/{name}": content for name, content in self.blobs.items()},
            "index.json": json.dumps(index).encode(),
        }
        with tarfile.open(path, "w") as tar:
            for name, content in entries.items():
                info, data = file(self.prefix + name, content)
                tar.addfile(info, io.BytesIO(data))
        return path
