"""Normalizing in tests: archives of every kind of entry, and reading what was written of them."""

import io
import json
import tarfile
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.programs import normalize
from tests.pipelines.programs.archives import (
    Archive,
    Member,
    file,
    folder,
    link,
    symlink,
)

OURS = {
    "created": "2026-11-22T10:00:00Z",
    "architecture": "amd64",
    "os": "linux",
    "annotations": {"org.opencontainers.image.title": "tried"},
    "config": {"Labels": {"org.opencontainers.image.title": "tried", "revision": "ours"}},
}


@dataclass(frozen=True)
class Packed:
    """What the program wrote."""

    layout: Path
    described: dict[str, Any]

    @property
    def manifest(self) -> dict[str, Any]:
        """The image's manifest."""
        return self._document(self.described["digest"])

    @property
    def config(self) -> dict[str, Any]:
        """The image's configuration."""
        return self._document(self.manifest["config"]["digest"])

    def blob(self, digest: str) -> Path:
        """Find a blob."""
        return self.layout / "blobs/sha256" / digest.removeprefix("sha256:")

    def members(self, position: int = 0) -> list[tuple[tarfile.TarInfo, bytes | None]]:
        """Read a layer as every tool does."""
        found = []
        with tarfile.open(self.blob(self.manifest["layers"][position]["digest"])) as tar:
            for member in tar:
                opened = tar.extractfile(member) if member.isreg() else None
                found.append((member, opened.read() if opened else None))
        return found

    def names(self, position: int = 0) -> list[str]:
        """List a layer's names in their order."""
        return [member.name for member, _ in self.members(position)]

    def member(self, name: str, position: int = 0) -> tarfile.TarInfo:
        """Find one entry."""
        return next(member for member, _ in self.members(position) if member.name == name)

    def content(self, name: str, position: int = 0) -> bytes | None:
        """Read what a name gives, along hard links."""
        found = {member.name: (member, data) for member, data in self.members(position)}
        member, data = found[name]
        return found[member.linkname][1] if member.islnk() else data

    def _document(self, digest: str) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.blob(digest).read_bytes())
        return document


@dataclass(frozen=True)
class Done:
    """How the program ended."""

    returncode: int
    stdout: str
    stderr: str


def arguments(archive: Path, out: Path) -> list[str]:
    """Call it as the build stage does."""
    config = out.with_suffix(".json")
    config.write_text(json.dumps(OURS))
    return [f"--archive={archive}", f"--config={config}", f"--out={out}"]


def run(archive: Path, out: Path) -> Done:
    """Run the program, in this process: starting another one takes longer than all it does."""
    with redirect_stdout(io.StringIO()) as told, redirect_stderr(io.StringIO()) as complained:
        code = normalize.main(arguments(archive, out))
    return Done(code, told.getvalue(), complained.getvalue())


def pack(path: Path, *layers: bytes, archive: Archive | None = None) -> Packed:
    """Write an archive and normalize it."""
    written = (archive or Archive()).write(path.with_suffix(".tar"), *layers)
    done = run(written, path)
    assert (done.returncode, done.stderr) == (0, "")
    return Packed(path, json.loads(done.stdout))


def sample() -> list[Member]:
    """Make entries of every kind."""
    return [
        folder("./"),
        folder("app/", uid=10001, gid=10001, mode=0o750),
        file("app/run", b"#!/bin/sh\n", mode=0o755, uid=10001, gid=10001, uname="app"),
        symlink("app/link", "../etc/name"),
        folder("tmp", mode=0o1777),
        file("etc/name", b"tried\n"),
        link("etc/again", "etc/name"),
        file("etc/.wh.gone"),
        file("usr/bin/su", b"su", mode=0o4755),
        file("dev/null", type=tarfile.CHRTYPE, devmajor=1, devminor=3, mode=0o666),
    ]
