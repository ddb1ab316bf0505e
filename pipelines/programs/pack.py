"""Pack directories into OCI layers and an OCI image layout, the same bytes wherever it runs.

Run in a tool container by the build stage:

    pack.py layer --root DIR --out DIR [--at /app]
    pack.py image --config FILE --out LAYOUT LAYER...

What decides a digest is the content alone: entries sorted by name, no times, owner root, modes
reduced to 755 and 644, gzip at a fixed level, JSON in canonical form. Modes are reduced because a
checkout's depend on the umask of whoever made it.
"""

import argparse
import gzip
import hashlib
import io
import json
import stat
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, cast

GZIP_LEVEL = 6
CHUNK = 1 << 20
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"


class PackError(Exception):
    """Something cannot be packed reproducibly."""


class Digesting(io.RawIOBase):
    """A writer that counts and digests what it passes on."""

    def __init__(self, target: IO[bytes]) -> None:
        self._target = target
        self._hash = hashlib.sha256()
        self.size = 0

    def writable(self) -> bool:
        """Say that this is a writer."""
        return True

    def write(self, data: bytes | bytearray | memoryview, /) -> int:  # type: ignore[override]  # no Buffer in 3.11
        """Digest some bytes and pass them on."""
        size = memoryview(data).nbytes
        self._hash.update(data)
        self.size += size
        self._target.write(data)
        return size

    @property
    def digest(self) -> str:
        """The digest of everything so far."""
        return f"sha256:{self._hash.hexdigest()}"


def entries(root: Path) -> Iterator[Path]:
    """Walk a tree in order of names, a directory before what is in it."""
    for path in sorted(root.iterdir(), key=lambda each: each.name.encode()):
        yield path
        if path.is_dir() and not path.is_symlink():
            yield from entries(path)


def header(path: Path, name: str, links: dict[tuple[int, int], str]) -> tarfile.TarInfo:
    """Make the tar header of one entry from its kind, content and executability only."""
    status = path.lstat()
    info = tarfile.TarInfo(name)
    info.mtime = 0
    if stat.S_ISLNK(status.st_mode):
        info.type, info.mode, info.linkname = tarfile.SYMTYPE, 0o777, str(path.readlink())
    elif stat.S_ISDIR(status.st_mode):
        info.type, info.mode = tarfile.DIRTYPE, 0o755
        if status.st_mode & stat.S_ISVTX:
            info.mode = 0o1777
    elif stat.S_ISREG(status.st_mode):
        info.mode = 0o755 if status.st_mode & 0o111 else 0o644
        known = links.setdefault((status.st_dev, status.st_ino), name)
        if known == name:
            info.size = status.st_size
        else:
            info.type, info.linkname = tarfile.LNKTYPE, known
    else:
        raise PackError(f"{path} is neither file, directory nor symbolic link")
    return info


def parents(at: str) -> Iterator[tarfile.TarInfo]:
    """Make the directories that lead to where the tree is put."""
    parts = [part for part in at.split("/") if part]
    for length in range(1, len(parts) + 1):
        info = tarfile.TarInfo("/".join(parts[:length]))
        info.type, info.mode, info.mtime = tarfile.DIRTYPE, 0o755, 0
        yield info


def write_layer(root: Path, out: Path, at: str) -> dict[str, Any]:
    """Write `layer.tar.gz` and `layer.json`; return the latter."""
    out.mkdir(parents=True, exist_ok=True)
    prefix = at.strip("/")
    links: dict[tuple[int, int], str] = {}
    unpacked = 0
    with (out / "layer.tar.gz").open("wb") as file:
        compressed = Digesting(file)
        zipped = gzip.GzipFile("", "wb", GZIP_LEVEL, cast("IO[bytes]", compressed), mtime=0)
        plain = Digesting(cast("IO[bytes]", zipped))
        stream = cast("IO[bytes]", plain)
        with tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as tar:
            for parent in parents(at):
                tar.addfile(parent)
            for path in entries(root):
                name = "/".join(filter(None, (prefix, path.relative_to(root).as_posix())))
                info = header(path, name, links)
                if info.isreg():
                    unpacked += info.size
                    with path.open("rb") as content:
                        tar.addfile(info, content)
                else:
                    tar.addfile(info)
        zipped.close()
    described = {
        "digest": compressed.digest,
        "size": compressed.size,
        "diff_id": plain.digest,
        "unpacked": unpacked,
    }
    (out / "layer.json").write_bytes(canonical(described))
    return described


def canonical(value: object) -> bytes:
    """Write JSON in the one form that always has the same digest."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def write_image(config: dict[str, Any], layers: list[Path], out: Path) -> dict[str, Any]:
    """Write an OCI layout of one image and describe it.

    `config` holds `created` (RFC 3339), `architecture`, `os`, `config` as in the OCI image
    specification, and `annotations` for the manifest. Each layer is a directory of `write_layer`.
    """
    blobs = out / "blobs" / "sha256"
    blobs.mkdir(parents=True, exist_ok=True)

    def blob(content: bytes, media_type: str) -> dict[str, Any]:
        digest = hashlib.sha256(content).hexdigest()
        (blobs / digest).write_bytes(content)
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(content)}

    described = [json.loads((layer / "layer.json").read_bytes()) for layer in layers]
    for layer, known in zip(layers, described, strict=True):
        target = blobs / known["digest"].removeprefix("sha256:")
        with (layer / "layer.tar.gz").open("rb") as source, target.open("wb") as copy:
            while chunk := source.read(CHUNK):
                copy.write(chunk)
    platform = {"architecture": config["architecture"], "os": config["os"]}
    image = {
        **platform,
        "created": config["created"],
        "config": config["config"],
        "rootfs": {"type": "layers", "diff_ids": [known["diff_id"] for known in described]},
        "history": [
            # In the words of a Dockerfile: scanners read the history as one.
            {"created": config["created"], "created_by": f"COPY {layer.name} /"}
            for layer in layers
        ],
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": blob(canonical(image), CONFIG_TYPE),
        "layers": [
            {"mediaType": LAYER_TYPE, "digest": known["digest"], "size": known["size"]}
            for known in described
        ],
        "annotations": config["annotations"],
    }
    descriptor = blob(canonical(manifest), MANIFEST_TYPE)
    index = {
        "schemaVersion": 2,
        "mediaType": INDEX_TYPE,
        "manifests": [{**descriptor, "platform": platform}],
    }
    (out / "index.json").write_bytes(canonical(index))
    (out / "oci-layout").write_bytes(canonical({"imageLayoutVersion": "1.0.0"}))
    return {
        "digest": descriptor["digest"],
        "unpacked": sum(known["unpacked"] for known in described),
        "compressed": sum(known["size"] for known in described),
    }


def main(arguments: list[str]) -> int:
    """Run one of the two commands; what was written is described on standard output."""
    parser = argparse.ArgumentParser(prog="pack.py", description="Pack reproducible OCI images.")
    commands = parser.add_subparsers(dest="command", required=True)
    layer = commands.add_parser("layer", help="pack a directory into a layer")
    layer.add_argument("--root", type=Path, required=True)
    layer.add_argument("--out", type=Path, required=True)
    layer.add_argument("--at", default="")
    image = commands.add_parser("image", help="assemble layers into an OCI layout")
    image.add_argument("--config", type=Path, required=True)
    image.add_argument("--out", type=Path, required=True)
    image.add_argument("layers", type=Path, nargs="+")
    given = parser.parse_args(arguments)
    try:
        if given.command == "layer":
            described = write_layer(given.root, given.out, given.at)
        else:
            config = json.loads(given.config.read_bytes())
            described = write_image(config, given.layers, given.out)
    except PackError as error:
        sys.stderr.write(f"pack.py: {error}\n")
        return 1
    sys.stdout.write(json.dumps(described, sort_keys=True) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
