"""The packer: one content, one digest; and what it writes is a valid OCI layout."""

import gzip
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.programs import pack

CONFIG = {
    "created": "2026-11-22T10:00:00Z",
    "architecture": "amd64",
    "os": "linux",
    "config": {"User": "10001:10001", "Cmd": ["/bin/true"]},
    "annotations": {"org.opencontainers.image.title": "tried"},
}


def tree(root: Path) -> Path:
    """Make a tree with every kind of entry."""
    (root / "b").mkdir(parents=True)
    (root / "b" / "run").write_text("#!/bin/sh\n")
    (root / "b" / "run").chmod(0o755)
    (root / "a.txt").write_text("text")
    (root / "link").symlink_to("a.txt")
    os.link(root / "a.txt", root / "z.txt")
    (root / "tmp").mkdir()
    (root / "tmp").chmod(0o1777)
    return root


def test_modes_times_and_order_on_disk_do_not_count(tmp_path: Path) -> None:
    first = pack.write_layer(tree(tmp_path / "one"), tmp_path / "out1", "")
    other = tree(tmp_path / "two")
    (other / "a.txt").chmod(0o600)
    (other / "b").chmod(0o700)
    os.utime(other / "b" / "run", (1, 1))
    assert pack.write_layer(other, tmp_path / "out2", "") == first


def test_content_and_executability_count(tmp_path: Path) -> None:
    root = tree(tmp_path / "one")
    before = pack.write_layer(root, tmp_path / "out1", "")
    (root / "a.txt").chmod(0o755)
    executable = pack.write_layer(root, tmp_path / "out2", "")
    (root / "a.txt").write_text("other")
    changed = pack.write_layer(root, tmp_path / "out3", "")
    assert len({before["digest"], executable["digest"], changed["digest"]}) == 3


def test_a_layer_holds_what_the_tree_holds(tmp_path: Path) -> None:
    described = pack.write_layer(tree(tmp_path / "tree"), tmp_path / "out", "/opt/app")
    archive = tmp_path / "out" / "layer.tar.gz"
    assert described["digest"] == "sha256:" + hashlib.sha256(archive.read_bytes()).hexdigest()
    plain = gzip.decompress(archive.read_bytes())
    assert described["diff_id"] == "sha256:" + hashlib.sha256(plain).hexdigest()
    with tarfile.open(archive) as tar:
        members = {member.name: member for member in tar}
    assert list(members) == [
        "opt",
        "opt/app",
        "opt/app/a.txt",
        "opt/app/b",
        "opt/app/b/run",
        "opt/app/link",
        "opt/app/tmp",
        "opt/app/z.txt",
    ]
    assert members["opt/app/z.txt"].islnk()
    assert members["opt/app/z.txt"].linkname == "opt/app/a.txt"
    assert members["opt/app/link"].linkname == "a.txt"
    assert members["opt/app/tmp"].mode == 0o1777
    assert {(member.uid, member.gid, member.mtime) for member in members.values()} == {(0, 0, 0)}
    assert described["unpacked"] == len("text") + len("#!/bin/sh\n")


@given(content=st.dictionaries(st.text("abc.é", min_size=1, max_size=6), st.binary(max_size=40)))
@settings(max_examples=30, deadline=None)
def test_any_files_survive(tmp_path_factory: pytest.TempPathFactory, content: Any) -> None:
    root = tmp_path_factory.mktemp("tree")
    wanted = {name: data for name, data in content.items() if name not in (".", "..")}
    for name, data in wanted.items():
        (root / name).write_bytes(data)
    out = tmp_path_factory.mktemp("out")
    pack.write_layer(root, out, "")
    with tarfile.open(out / "layer.tar.gz") as tar:
        found = {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]
    assert found == wanted


def test_a_socket_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    os.mkfifo(tmp_path / "tree" / "pipe")
    with pytest.raises(pack.PackError, match="neither file, directory nor symbolic link"):
        pack.write_layer(tmp_path / "tree", tmp_path / "out", "")


def image(tmp_path: Path, name: str) -> dict[str, Any]:
    """Pack a tree with the program itself and return its description."""
    work = tmp_path / name
    tree(work / "tree")
    (work / "config.json").write_text(json.dumps(CONFIG))
    program = [sys.executable, pack.__file__]
    for command in (
        [*program, "layer", "--root", "tree", "--out", "files"],
        [*program, "image", "--config", "config.json", "--out", "layout", "files"],
    ):
        done = subprocess.run(command, cwd=work, capture_output=True, text=True, check=True)
    described: dict[str, Any] = json.loads(done.stdout)
    return described


def test_an_image_is_a_function_of_its_inputs(tmp_path: Path) -> None:
    assert image(tmp_path, "one") == image(tmp_path, "two")


def test_the_layout_is_what_the_description_says(tmp_path: Path) -> None:
    described = image(tmp_path, "one")
    layout = tmp_path / "one" / "layout"
    blobs = layout / "blobs" / "sha256"
    for blob in blobs.iterdir():
        assert hashlib.sha256(blob.read_bytes()).hexdigest() == blob.name
    index = json.loads((layout / "index.json").read_bytes())
    assert [each["digest"] for each in index["manifests"]] == [described["digest"]]
    manifest = json.loads((blobs / described["digest"].removeprefix("sha256:")).read_bytes())
    config = json.loads((blobs / manifest["config"]["digest"].removeprefix("sha256:")).read_bytes())
    assert manifest["annotations"] == CONFIG["annotations"]
    assert config["created"] == CONFIG["created"]
    assert config["config"]["User"] == "10001:10001"
    assert len(config["rootfs"]["diff_ids"]) == len(manifest["layers"]) == 1


@pytest.mark.skipif(shutil.which("skopeo") is None, reason="needs Debian's skopeo")
def test_skopeo_copies_it_without_changing_the_digest(tmp_path: Path) -> None:
    described = image(tmp_path, "one")
    source = f"oci:{tmp_path}/one/layout"
    subprocess.run(
        ["skopeo", "copy", "-q", "--preserve-digests", source, f"oci:{tmp_path}/copy"], check=True
    )
    copied = json.loads((tmp_path / "copy" / "index.json").read_bytes())
    assert copied["manifests"][0]["digest"] == described["digest"]
