"""Images made of containers: layers, configuration, manifests, and the index of several platforms.

Called for `publish`, `export` and `asTarball`. Deterministic as far as the files are: no times, sorted JSON. Everything is put
into the blob store first; an image is named by the digest of its manifest or index.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
import secrets
import shutil
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal, cast

import zstandard

from drydock.engine.errors import EngineError
from drydock.runtime.image import (
    DOCKER_LIST,
    DOCKER_MANIFEST,
    OCI_INDEX,
    OCI_LAYER,
    Image,
    LayerBlob,
    canonical,
)
from drydock.runtime.state import StateDir
from drydock.runtime.unpack import open_tar

if TYPE_CHECKING:
    from drydock.engine.engine import Engine
    from drydock.engine.types.container import Container

Compression = Literal["gzip", "zstd", "none"]

_DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
_DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar"
_FORCED: dict[str, Compression] = {
    "GZIP": "gzip",
    "ESTARGZ": "gzip",  # every reader of gzip reads it, and nothing here needs its index
    "ZSTD": "zstd",
    "UNCOMPRESSED": "none",
}
_PIECE = 1 << 20


@dataclass(frozen=True)
class Form:
    """How an image is written: its media types, and one compression for all layers if that is forced."""

    docker: bool = False
    compression: Compression | None = None

    @classmethod
    def of(cls, media_types: str | None, forced_compression: str | None) -> Form:
        """Read the enum members of the API."""
        docker = (media_types or "").upper().startswith("DOCKER")
        return cls(docker, _FORCED.get((forced_compression or "").upper()))


async def pack(engine: Engine, containers: Sequence[Container], form: Form) -> Image:
    """Return the image of one container, or the index of several; EngineError if all of them are empty."""
    filled = [
        container
        for container in containers
        if await container.rootfs.get() != engine.snapshots.empty
    ]
    if not filled:
        raise EngineError("no containers to export")
    images = [await _pack_one(engine, container, form) for container in filled]
    if len(images) == 1:
        return images[0]
    entries = [
        _entry(engine.state, image, container.platform, form)
        for image, container in zip(images, filled, strict=True)
    ]
    index = {
        "schemaVersion": 2,
        "mediaType": DOCKER_LIST if form.docker else OCI_INDEX,
        "manifests": entries,
    }
    return replace(images[0], digest=engine.state.put_blob(canonical(index)))


async def write_tar(engine: Engine, image: Image, path: Path, form: Form) -> None:
    """Write an image as an OCI layout tar; with Docker's media types, also as Docker reads it."""
    await engine.images.write_archive(image, path)
    if form.docker:
        await asyncio.to_thread(_add_docker_index, engine.state, image, path)


async def _pack_one(engine: Engine, container: Container, form: Form) -> Image:
    image = await engine.images.assemble(
        container.config.to_image(container.platform),
        await container.rootfs.get(),
        base=container.base,
        compression=form.compression or "gzip",
    )
    layers = image.layers
    if form.compression is not None:
        layers = tuple(
            [
                await asyncio.to_thread(_recompressed, engine.state, layer, form.compression)
                for layer in layers
            ]
        )
    manifest = json.loads(engine.state.blob(image.digest).read_bytes())
    manifest["layers"] = [layer.descriptor() for layer in layers]
    if form.docker:
        manifest["mediaType"] = DOCKER_MANIFEST
        manifest["config"]["mediaType"] = _DOCKER_CONFIG
        for entry in manifest["layers"]:
            entry["mediaType"] = _DOCKER_LAYER + _compression_of(entry["mediaType"], ".")
    if container.config.annotations:
        manifest["annotations"] = dict(container.config.annotations)
    digest = engine.state.put_blob(canonical(manifest))
    return replace(image, layers=layers, digest=digest)


def _entry(state: StateDir, image: Image, platform: str, form: Form) -> dict[str, Any]:
    """Return an image's entry in an index."""
    names = ("os", "architecture", "variant")
    content = state.blob(image.digest).read_bytes()
    entry: dict[str, Any] = {
        "mediaType": json.loads(content)["mediaType"],
        "digest": image.digest,
        "size": len(content),
        "platform": dict(zip(names, platform.split("/"), strict=False)),
    }
    manifest = json.loads(content)
    if "annotations" in manifest and not form.docker:
        entry["annotations"] = manifest["annotations"]
    return entry


# ---------------------------------------------------------------- blocking parts


def _compression_of(media_type: str, separator: str) -> str:
    """Return how a layer is compressed, as the end of a media type."""
    for name in ("gzip", "zstd"):
        if media_type.endswith(name):
            return separator + name
    return ""


def _recompressed(state: StateDir, layer: LayerBlob, compression: Compression) -> LayerBlob:
    """Return a layer in another compression; the same one if it has that already."""
    wanted = "" if compression == "none" else compression
    if _compression_of(layer.media_type, "") == wanted:
        return layer
    temporary = state.tmp / secrets.token_hex(8)
    try:
        with (
            open_tar(state.blob(layer.digest)) as plain,
            temporary.open("wb") as raw,
            _compressor(raw, compression) as packed,
        ):
            shutil.copyfileobj(plain, packed, _PIECE)
        with temporary.open("rb") as packed_again:
            digest = "sha256:" + hashlib.file_digest(packed_again, "sha256").hexdigest()
        size = temporary.stat().st_size
        temporary.rename(state.blob(digest))
    finally:
        temporary.unlink(missing_ok=True)
    return LayerBlob(digest, size, layer.diff_id, OCI_LAYER + (wanted and f"+{wanted}"))


class _Plain:
    """A file that is written as it is."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw

    def __enter__(self) -> IO[bytes]:
        return self._raw

    def __exit__(self, *_: object) -> None:
        self._raw.flush()


def _compressor(raw: IO[bytes], compression: Compression) -> Any:
    """Return a context whose file compresses into `raw`, the same bytes every time."""
    if compression == "gzip":
        return gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0)
    if compression == "zstd":
        return zstandard.ZstdCompressor().stream_writer(raw, closefd=False)
    return _Plain(raw)


def _add_docker_index(state: StateDir, image: Image, path: Path) -> None:
    """Add the `manifest.json` that `docker load` looks for."""
    document = json.loads(state.blob(image.digest).read_bytes())
    manifests = [document]
    if "manifests" in document:
        manifests = [
            json.loads(state.blob(entry["digest"]).read_bytes()) for entry in document["manifests"]
        ]

    def place(digest: str) -> str:
        return f"blobs/sha256/{digest.partition(':')[2]}"

    content = json.dumps(
        [
            {
                "Config": place(manifest["config"]["digest"]),
                "RepoTags": None,
                "Layers": [place(layer["digest"]) for layer in manifest["layers"]],
            }
            for manifest in manifests
        ],
        separators=(",", ":"),
    ).encode()
    info = tarfile.TarInfo("manifest.json")
    info.mode, info.size = 0o644, len(content)
    with tarfile.open(path, "a", format=tarfile.PAX_FORMAT) as tar:
        tar.addfile(info, cast("IO[bytes]", BytesIO(content)))
