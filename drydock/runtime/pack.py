"""Writing one OCI layer.

A tar of what a stack of layer directories adds to the tree below, deterministically. Called by
snapshot.py. Equal trees give equal bytes on every machine: names in byte order, numeric owners,
whole seconds, hard links to the first name, extended attributes as PAX headers; deletions become
`.wh.` files.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import secrets
import stat
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Literal, cast

import zstandard

from drydock.runtime.image import LayerBlob
from drydock.runtime.layertree import Entry, extended_attributes, walk
from drydock.runtime.state import StateDir

Compression = Literal["gzip", "zstd", "none"]
WHITEOUT = ".wh."
OPAQUE_MARKER = ".wh..wh..opq"
_SUFFIX = {"gzip": "+gzip", "zstd": "+zstd", "none": ""}
# A third of the time of level 6, for 3 % more bytes (measured on Node.js's binary).
_GZIP_LEVEL = 4
_ZSTD_LEVEL = 3


class _Digesting(io.RawIOBase):
    """Passes bytes on and digests them."""

    def __init__(self, target: IO[bytes]) -> None:
        self._target = target
        self._hash = hashlib.sha256()
        self.size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]  # bytes only
        self._hash.update(data)
        self.size += len(data)
        self._target.write(data)
        return len(data)

    @property
    def digest(self) -> str:
        return "sha256:" + self._hash.hexdigest()


def pack_layer(
    layers: Sequence[Path],
    below: Path,
    state: StateDir,
    compression: Compression,
    mtime: int | None,
) -> LayerBlob:
    """Store the merged `layers` (topmost first) as one blob.

    `below` shows the tree they lie on. Blocking.
    """
    temporary = state.tmp / secrets.token_hex(8)
    try:
        with temporary.open("wb", buffering=1 << 20) as file:
            outer = _Digesting(file)
            with _compressor(outer, compression) as packed:
                inner = _Digesting(packed)
                write_tar(layers, below, cast(IO[bytes], inner), mtime)
        temporary.rename(state.blob(outer.digest))
    finally:
        temporary.unlink(missing_ok=True)
    kind = "application/vnd.oci.image.layer.v1.tar" + _SUFFIX[compression]
    return LayerBlob(outer.digest, outer.size, inner.digest, kind)


def write_tar(
    layers: Sequence[Path], below: Path, target: IO[bytes], mtime: int | None = None
) -> None:
    """Write the merged `layers` as a tar; sockets are left out, as in every image."""
    first_names: dict[tuple[int, int], str] = {}
    with tarfile.open(fileobj=target, mode="w|", format=tarfile.PAX_FORMAT) as tar:
        for entry in walk(layers):
            if entry.whiteout:
                # A file that came and went within these layers needs no whiteout.
                if os.path.lexists(below / entry.path):
                    tar.addfile(_marker(entry, mtime))
            elif not stat.S_ISSOCK(entry.status.st_mode):
                _add(tar, entry, first_names, mtime)
                if entry.opaque and (below / entry.path).is_dir():
                    tar.addfile(_empty_file(f"{entry.path}/{OPAQUE_MARKER}", mtime or 0))


def _add(
    tar: tarfile.TarFile,
    entry: Entry,
    first_names: dict[tuple[int, int], str],
    mtime: int | None,
) -> None:
    status = entry.status
    info = tarfile.TarInfo(entry.path)
    info.mode = stat.S_IMODE(status.st_mode)
    info.uid, info.gid = status.st_uid, status.st_gid
    info.mtime = int(status.st_mtime) if mtime is None else mtime
    kind = stat.S_IFMT(status.st_mode)
    if kind == stat.S_IFDIR:
        info.type = tarfile.DIRTYPE
    elif kind == stat.S_IFLNK:
        info.type = tarfile.SYMTYPE
        info.linkname = str(entry.source.readlink())
    elif kind in {stat.S_IFCHR, stat.S_IFBLK}:
        info.type = tarfile.CHRTYPE if kind == stat.S_IFCHR else tarfile.BLKTYPE
        info.devmajor, info.devminor = os.major(status.st_rdev), os.minor(status.st_rdev)
    elif kind == stat.S_IFIFO:
        info.type = tarfile.FIFOTYPE
    info.pax_headers = {
        f"SCHILY.xattr.{name}": value.decode("utf-8", "surrogateescape")
        for name, value in extended_attributes(entry.source).items()
    }
    if kind != stat.S_IFDIR and status.st_nlink > 1:
        identity = (status.st_dev, status.st_ino)
        first = first_names.setdefault(identity, entry.path)
        if first != entry.path:
            info.type, info.linkname, info.pax_headers = tarfile.LNKTYPE, first, {}
    if info.type == tarfile.REGTYPE:
        info.size = status.st_size
        with entry.source.open("rb") as content:
            tar.addfile(info, content)
    else:
        tar.addfile(info)


def _marker(entry: Entry, mtime: int | None) -> tarfile.TarInfo:
    folder, _, name = entry.path.rpartition("/")
    path = f"{folder}/{WHITEOUT}{name}" if folder else f"{WHITEOUT}{name}"
    # When something was deleted is the one time that differs between two equal runs.
    return _empty_file(path, mtime or 0)


def _empty_file(path: str, mtime: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(path)
    info.mode = 0o600
    info.mtime = mtime
    return info


def _compressor(target: _Digesting, compression: Compression) -> IO[bytes]:
    raw = cast(IO[bytes], target)
    if compression == "gzip":
        file = gzip.GzipFile("", "wb", _GZIP_LEVEL, raw, mtime=0)
        return cast(IO[bytes], file)
    if compression == "zstd":
        writer = zstandard.ZstdCompressor(level=_ZSTD_LEVEL).stream_writer(raw, closefd=False)
        return cast(IO[bytes], writer)
    return cast(IO[bytes], io.BufferedWriter(target))
