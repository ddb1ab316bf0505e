"""Pack an image that a Dockerfile made anew, so that its bytes follow from its content.

Run in a tool container by the build stage, beside `pack.py`:

    python3 -m pipelines.programs.normalize --archive IMAGE.tar --config FILE --out LAYOUT

Times go, entries are sorted, gzip and JSON take one form; owners, modes, whiteouts and what the image
says about how it runs stay. What a command of the Dockerfile itself writes differently each time
(a log, a cache) still makes another digest.
"""

import argparse
import gzip
import json
import os
import sys
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any, cast

from pipelines.programs.pack import GZIP_LEVEL, Digesting, PackError, write_image

_RUNNING = (
    "User",
    "WorkingDir",
    "Env",
    "Entrypoint",
    "Cmd",
    "ExposedPorts",
    "Healthcheck",
    "StopSignal",
    "Volumes",
)


class Archive:
    """An OCI archive of one image."""

    def __init__(self, file: tarfile.TarFile) -> None:
        self._file = file
        index = self._json("index.json")
        self.manifest = self._document(self._first(index))
        while "manifests" in self.manifest:
            self.manifest = self._document(self._first(self.manifest))
        self.config = self._document(self.manifest["config"])

    def layer(self, descriptor: dict[str, Any]) -> IO[bytes]:
        """Open a layer, unpacked."""
        raw = self._blob(descriptor)
        media_type = str(descriptor["mediaType"])
        if media_type.endswith("gzip"):
            return cast("IO[bytes]", gzip.GzipFile(fileobj=raw))
        if media_type.endswith("tar"):
            return raw
        raise PackError(f"a layer of the type {media_type}, expected tar or tar+gzip")

    def _first(self, index: dict[str, Any]) -> dict[str, Any]:
        found = [
            each
            for each in index["manifests"]
            if "attestation" not in str(each.get("annotations", {}))
        ]
        if not found:
            raise PackError("the archive holds no image")
        return cast("dict[str, Any]", found[0])

    def _document(self, descriptor: dict[str, Any]) -> dict[str, Any]:
        return cast("dict[str, Any]", json.load(self._blob(descriptor)))

    def _json(self, name: str) -> dict[str, Any]:
        return cast("dict[str, Any]", json.load(self._open(name)))

    def _blob(self, descriptor: dict[str, Any]) -> IO[bytes]:
        algorithm, _, digest = str(descriptor["digest"]).partition(":")
        return self._open(f"blobs/{algorithm}/{digest}")

    def _open(self, name: str) -> IO[bytes]:
        for spelling in (name, f"./{name}"):
            try:
                opened = self._file.extractfile(spelling)
            except KeyError:
                continue
            if opened is not None:
                return opened
        raise PackError(f"the archive has no {name}: is it an OCI archive?")


def normalize(archive: Archive, config: dict[str, Any], out: Path) -> dict[str, Any]:
    """Write an OCI layout of the image with our labels; return what the packer says about it."""
    layers = []
    for position, descriptor in enumerate(archive.manifest["layers"]):
        folder = out.with_name(f"{out.name}-layers") / f"dockerfile-{position + 1}"
        with archive.layer(descriptor) as stream:
            repack(stream, folder)
        layers.append(folder)
    said = archive.config.get("config") or {}
    running = {key: said[key] for key in _RUNNING if said.get(key)}
    labels = {**(said.get("Labels") or {}), **config["config"]["Labels"]}
    merged = {**config, "config": {**running, "Labels": labels}}
    return write_image(merged, layers, out)


def repack(stream: IO[bytes], folder: Path) -> None:
    """Write a layer's entries in order of their names, without times, as `pack.py` describes layers."""
    folder.mkdir(parents=True)
    with _spooled(stream, folder) as source:
        members = {_name(member): member for member in source.getmembers()}
        members.pop(".", None)
        unpacked = 0
        with (folder / "layer.tar.gz").open("wb") as file:
            compressed = Digesting(file)
            zipped = gzip.GzipFile("", "wb", GZIP_LEVEL, cast("IO[bytes]", compressed), mtime=0)
            plain = Digesting(cast("IO[bytes]", zipped))
            with tarfile.open(
                fileobj=cast("IO[bytes]", plain), mode="w|", format=tarfile.PAX_FORMAT
            ) as target:
                for name, member, content in _ordered(source, members):
                    target.addfile(_plain(name, member), content)
                    unpacked += member.size if content else 0
            zipped.close()
    described = {
        "digest": compressed.digest,
        "size": compressed.size,
        "diff_id": plain.digest,
        "unpacked": unpacked,
    }
    (folder / "layer.json").write_text(json.dumps(described, sort_keys=True))


@contextmanager
def _spooled(stream: IO[bytes], folder: Path) -> Iterator[tarfile.TarFile]:
    """Unpack a layer's compression to disk, so that its entries can be read in another order."""
    spool = folder / "layer.tar"
    with spool.open("wb") as file:
        while chunk := stream.read(1 << 20):
            file.write(chunk)
    try:
        with tarfile.open(spool) as source:
            yield source
    finally:
        spool.unlink()


def _ordered(
    source: tarfile.TarFile, members: dict[str, tarfile.TarInfo]
) -> Iterator[tuple[str, tarfile.TarInfo, IO[bytes] | None]]:
    """Give the entries in order; of files that share their content the first has it, the others link to it."""
    holders: dict[str, str] = {}
    for name in sorted(members, key=os.fsencode):
        member = members[name]
        if not (member.isreg() or member.islnk()):
            yield name, member, None
            continue
        original = _original(members, member)
        first = holders.setdefault(_name(original), name)
        if first == name:
            original.type = tarfile.REGTYPE
            yield name, original, source.extractfile(original)
        else:
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.LNKTYPE, first
            link.mode, link.uid, link.gid = original.mode, original.uid, original.gid
            yield name, link, None


def _original(members: dict[str, tarfile.TarInfo], member: tarfile.TarInfo) -> tarfile.TarInfo:
    seen = [member]
    while member.islnk():
        target = members.get(_clean(member.linkname))
        if target is None:
            raise PackError(f"{member.name} links to {member.linkname}, which its layer lacks")
        if target in seen:
            raise PackError(f"{member.name} links to {member.linkname} in a circle")
        seen.append(target)
        member = target
    return member


def _plain(name: str, member: tarfile.TarInfo) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.linkname = member.type, member.mode & 0o7777, member.linkname
    info.uid, info.gid, info.size = member.uid, member.gid, member.size
    info.devmajor, info.devminor = member.devmajor, member.devminor
    capabilities = member.pax_headers.get("SCHILY.xattr.security.capability")
    if capabilities:
        info.pax_headers = {"SCHILY.xattr.security.capability": capabilities}
    return info


def _name(member: tarfile.TarInfo) -> str:
    return _clean(member.name)


def _clean(name: str) -> str:
    return str(PurePosixPath(name.lstrip("/"))) or "."


def main(arguments: list[str]) -> int:
    """Normalize one archive; what was written is described on standard output."""
    parser = argparse.ArgumentParser(prog="normalize.py", description="Repack an OCI archive.")
    parser.add_argument("--archive", type=Path, required=True)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args(arguments)
    try:
        with tarfile.open(given.archive) as file:
            described = normalize(Archive(file), json.loads(given.config.read_bytes()), given.out)
    except (PackError, tarfile.TarError, OSError, EOFError, ValueError, zlib.error) as error:
        sys.stderr.write(f"normalize.py: {' '.join(str(error).split())}\n")
        return 1
    sys.stdout.write(json.dumps(described, sort_keys=True) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
