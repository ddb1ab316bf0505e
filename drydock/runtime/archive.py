"""Images in files: OCI layouts (directories and tars) and docker-archives.

Called by images.py. Reading puts all blobs of one image into the state directory and returns its
manifest's digest; everything that comes in is checked against its digest. Writing is deterministic:
sorted names, no times.
"""

from __future__ import annotations

import hashlib
import io
import json
import secrets
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Literal

from drydock.runtime.errors import ImageFault
from drydock.runtime.image import (
    OCI_CONFIG,
    OCI_INDEX,
    OCI_LAYER,
    OCI_MANIFEST,
    canonical,
    choose_platform,
    load_document,
)
from drydock.runtime.state import StateDir
from drydock.runtime.unpack import open_tar, unpack_archive

_REF_NAME = "org.opencontainers.image.ref.name"
_PIECE = 1 << 20


def read(state: StateDir, path: Path, tag: str, platform: str) -> str:
    """Store the blobs of one image in the archive at `path`.

    Return its manifest's digest. Blocking.
    """
    with _as_folder(state, path) as folder:
        try:
            if (folder / "index.json").exists():
                return _read_layout(state, folder, tag, platform, path)
            if (folder / "manifest.json").exists():
                return _read_docker(state, folder, tag, path)
        except (KeyError, TypeError, ValueError, FileNotFoundError) as error:
            raise ImageFault(f"{path.name} is a broken image archive: {error!r}") from error
    raise ImageFault(f"{path.name} is neither an OCI layout nor a docker archive")


def write(
    state: StateDir, digest: str, path: Path, form: Literal["oci", "docker"], tag: str
) -> None:
    """Write the image with this manifest digest as a tar. Blocking."""
    manifest = json.loads(state.blob(digest).read_bytes())
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        if form == "oci":
            _write_layout(state, tar, digest, manifest, tag)
        else:
            _write_docker(state, tar, manifest, tag)


# -- reading


@contextmanager
def _as_folder(state: StateDir, path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield path
        return
    with tempfile.TemporaryDirectory(dir=state.tmp) as name:
        folder = Path(name)
        try:
            with open_tar(path) as content, tarfile.open(fileobj=content, mode="r|") as tar:
                unpack_archive(tar, folder)
        except (tarfile.TarError, EOFError, OSError, ImageFault) as error:
            raise ImageFault(f"{path.name} is not a readable image archive: {error}") from error
        yield folder


def _read_layout(state: StateDir, folder: Path, tag: str, platform: str, path: Path) -> str:
    entries = (
        load_document(_member(folder, "index.json", path).read_bytes(), path.name).get("manifests")
        or []
    )
    if tag:
        entries = [
            entry for entry in entries if (entry.get("annotations") or {}).get(_REF_NAME) == tag
        ]
    if not entries:
        raise ImageFault(f"{path.name} holds no image{f' named {tag}' if tag else ''}")
    if len(entries) == 1 or tag:
        digest = str(entries[0]["digest"])
    else:
        digest = choose_platform({"manifests": entries}, platform, path.name)
    document = load_document(_take(state, folder, digest, path).read_bytes(), path.name)
    if "manifests" in document:
        digest = choose_platform(document, platform, path.name)
        document = load_document(_take(state, folder, digest, path).read_bytes(), path.name)
    for entry in (document["config"], *document["layers"]):
        _take(state, folder, entry["digest"], path)
    return digest


def _take(state: StateDir, folder: Path, digest: str, path: Path) -> Path:
    target = state.blob(digest)
    source = _member(folder, f"blobs/sha256/{target.name}", path)
    if not target.exists():
        if not source.is_file():
            raise ImageFault(f"the archive lacks blob {digest}")
        if _store(state, source) != digest:
            raise ImageFault(f"the archive's blob {digest} holds something else")
    return target


def _store(state: StateDir, source: Path) -> str:
    """Copy a file into the blob store; return its digest."""
    temporary = state.tmp / secrets.token_hex(8)
    hashed = hashlib.sha256()
    try:
        with source.open("rb") as file, temporary.open("wb") as copy:
            while piece := file.read(_PIECE):
                hashed.update(piece)
                copy.write(piece)
        digest = f"sha256:{hashed.hexdigest()}"
        temporary.rename(state.blob(digest))
        return digest
    finally:
        temporary.unlink(missing_ok=True)


def _read_docker(state: StateDir, folder: Path, tag: str, path: Path) -> str:
    images = json.loads(_member(folder, "manifest.json", path).read_bytes())
    chosen = [image for image in images if not tag or tag in (image.get("RepoTags") or [])]
    if not chosen:
        raise ImageFault(f"{path.name} holds no image{f' named {tag}' if tag else ''}")
    image = chosen[0]
    config = _member(folder, image["Config"], path).read_bytes()
    layers = []
    for name in image["Layers"]:
        source = _member(folder, name, path)
        layers.append(
            {
                "mediaType": OCI_LAYER + _suffix(source),
                "digest": _store(state, source),
                "size": source.stat().st_size,
            }
        )
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": {
            "mediaType": OCI_CONFIG,
            "digest": state.put_blob(config),
            "size": len(config),
        },
        "layers": layers,
    }
    return state.put_blob(canonical(manifest))


def _member(folder: Path, name: str, path: Path) -> Path:
    """Return where a file of the unpacked archive lies; ImageFault for a name that leads out of it."""
    found = folder / name
    if not found.resolve().is_relative_to(folder.resolve()):
        raise ImageFault(f"{path.name}: {name} lies outside of the archive")
    return found


def _suffix(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(4)
    if start[:2] == b"\x1f\x8b":
        return "+gzip"
    return "+zstd" if start == b"\x28\xb5\x2f\xfd" else ""


# -- writing


def _write_layout(
    state: StateDir, tar: tarfile.TarFile, digest: str, manifest: dict[str, Any], tag: str
) -> None:
    descriptor: dict[str, Any] = {
        "mediaType": manifest.get("mediaType") or OCI_MANIFEST,
        "digest": digest,
        "size": state.blob(digest).stat().st_size,
    }
    if tag:
        descriptor["annotations"] = {_REF_NAME: tag}
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [descriptor]}
    _folder(tar, "blobs")
    _folder(tar, "blobs/sha256")
    for each in sorted(_needed(state, digest)):
        _file(tar, f"blobs/sha256/{state.blob(each).name}", state.blob(each))
    _file(tar, "index.json", canonical(index))
    _file(tar, "oci-layout", canonical({"imageLayoutVersion": "1.0.0"}))


def _write_docker(
    state: StateDir, tar: tarfile.TarFile, manifest: dict[str, Any], tag: str
) -> None:
    config = state.blob(manifest["config"]["digest"])
    names = []
    for entry in manifest["layers"]:
        # Docker reads uncompressed layers only from this kind of archive in its oldest versions.
        name = f"{state.blob(entry['digest']).name}.tar"
        if name not in names:
            with tempfile.NamedTemporaryFile(dir=state.tmp) as plain:
                with open_tar(state.blob(entry["digest"])) as content:
                    shutil.copyfileobj(content, plain, _PIECE)
                plain.flush()
                _file(tar, name, Path(plain.name))
        names.append(name)
    _file(tar, f"{config.name}.json", config)
    image = {"Config": f"{config.name}.json", "RepoTags": [tag] if tag else None, "Layers": names}
    _file(tar, "manifest.json", json.dumps([image]).encode())


def _needed(state: StateDir, digest: str) -> set[str]:
    """Return the digests of an image or an index, and of everything they name."""
    document = json.loads(state.blob(digest).read_bytes())
    needed = {digest}
    for entry in document.get("manifests", ()):
        needed |= _needed(state, entry["digest"])
    if "config" in document:
        needed |= {entry["digest"] for entry in (document["config"], *document["layers"])}
    return needed


def _folder(tar: tarfile.TarFile, name: str) -> None:
    info = tarfile.TarInfo(name)
    info.type, info.mode = tarfile.DIRTYPE, 0o755
    tar.addfile(info)


def _file(tar: tarfile.TarFile, name: str, content: bytes | Path) -> None:
    info = tarfile.TarInfo(name)
    info.mode = 0o644
    if isinstance(content, bytes):
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))
        return
    info.size = content.stat().st_size
    source: IO[bytes]
    with content.open("rb") as source:
        tar.addfile(info, source)
