"""What cannot be normalized is refused with one line that says why, never with a traceback."""

import json
import random
from pathlib import Path

import pytest

from tests.pipelines.programs.archives import ZSTD, Archive, Member, file, layer, link
from tests.pipelines.programs.normalizing import run


def refused(path: Path, archive: Path) -> str:
    """Normalize what must be refused; return the one line that is said."""
    done = run(archive, path)
    assert done.returncode == 1
    assert done.stdout == ""
    told, _, rest = done.stderr.partition("\n")
    assert rest == ""
    return told


def test_an_unknown_type_of_layer_is_refused(tmp_path: Path) -> None:
    archive = Archive(media_type=ZSTD).write(tmp_path / "in.tar", layer(file("a")))
    told = refused(tmp_path / "out", archive)
    assert told == f"normalize.py: a layer of the type {ZSTD}, expected tar or tar+gzip"


def test_a_missing_blob_is_refused_by_name(tmp_path: Path) -> None:
    archive = Archive()
    manifest = archive.manifest([layer(file("a"))])
    document = json.loads(archive.blobs[manifest["digest"].removeprefix("sha256:")])
    gone = document["layers"][0]["digest"].removeprefix("sha256:")
    del archive.blobs[gone]
    written = archive.save(tmp_path / "in.tar", archive.index([manifest]))
    told = refused(tmp_path / "out", written)
    assert told == (f"normalize.py: the archive has no blobs/sha256/{gone}: is it an OCI archive?")


@pytest.mark.parametrize("attested", [False, True])
def test_an_archive_without_an_image_is_refused(tmp_path: Path, *, attested: bool) -> None:
    archive = Archive(attested=attested)
    written = archive.save(tmp_path / "in.tar", archive.index([]))
    assert refused(tmp_path / "out", written) == "normalize.py: the archive holds no image"


def test_what_is_no_oci_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.tar").write_bytes(layer(file("manifest.json", b"[]")))
    told = refused(tmp_path / "out", tmp_path / "empty.tar")
    assert told == "normalize.py: the archive has no index.json: is it an OCI archive?"
    (tmp_path / "no.tar").write_bytes(b"no tar at all")
    assert refused(tmp_path / "out", tmp_path / "no.tar").startswith("normalize.py: ")


def test_a_link_to_what_its_layer_lacks_is_refused(tmp_path: Path) -> None:
    archive = Archive().write(tmp_path / "in.tar", layer(link("a", "elsewhere")))
    told = refused(tmp_path / "out", archive)
    assert told == "normalize.py: a links to elsewhere, which its layer lacks"


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "members", [[link("a", "a")], [link("a", "b"), link("b", "c"), link("c", "a")]]
)
def test_links_in_a_circle_are_refused(tmp_path: Path, members: list[Member]) -> None:
    archive = Archive().write(tmp_path / "in.tar", layer(*members))
    assert "in a circle" in refused(tmp_path / "out", archive)


@pytest.mark.parametrize("cut", [10, 60])
def test_a_torn_layer_is_refused(tmp_path: Path, cut: int) -> None:
    archive = Archive()
    manifest = archive.manifest([layer(file("a", random.Random(1).randbytes(5000)))])
    document = json.loads(archive.blobs[manifest["digest"].removeprefix("sha256:")])
    digest = document["layers"][0]["digest"].removeprefix("sha256:")
    archive.blobs[digest] = archive.blobs[digest][:-cut]
    written = archive.save(tmp_path / "in.tar", archive.index([manifest]))
    assert refused(tmp_path / "out", written).startswith("normalize.py: ")
