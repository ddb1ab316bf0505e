"""Tree digests: what counts and what does not."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from drydock.runtime.digest import digest_file, digest_tree


def make(root: Path) -> Path:
    (root / "d").mkdir(parents=True)
    (root / "d/file").write_text("content")
    (root / "link").symlink_to("d/file")
    return root


def test_the_digest_does_not_depend_on_time_name_or_place(tmp_path: Path) -> None:
    """Two trees of the same content are equal, wherever and whenever they were made."""
    first, second = make(tmp_path / "one"), make(tmp_path / "other-name")
    os.utime(second / "d/file", (1, 1))
    assert digest_tree(first) == digest_tree(second)


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / "d/file").write_text("Content"),
        lambda root: (root / "d/file").chmod(0o600),
        lambda root: (root / "d").chmod(0o700),
        lambda root: (root / "d/file").rename(root / "d/file2"),
        lambda root: (root / "new").mkdir(),
        lambda root: ((root / "link").unlink(), (root / "link").symlink_to("d")),
    ],
    ids=["content", "file mode", "directory mode", "name", "empty directory", "link target"],
)
def test_what_a_tree_holds_counts(tmp_path: Path, change: Callable[[Path], object]) -> None:
    """Each of these makes another tree, also when the tree was digested before."""
    root = make(tmp_path / "t")
    before = digest_tree(root)
    change(root)
    assert digest_tree(root) != before


@pytest.mark.root
def test_owners_count_unless_left_out(tmp_path: Path) -> None:
    """User and group are part of a tree."""
    root = make(tmp_path / "t")
    with_owners, without = digest_tree(root), digest_tree(root, owners=False)
    os.chown(root / "d/file", 7, 8)
    assert digest_tree(root) != with_owners
    assert digest_tree(root, owners=False) == without


def test_moving_bytes_between_name_and_content_counts(tmp_path: Path) -> None:
    """Parts of an entry cannot be confused with one another."""
    for name, text in (("ab", "c"), ("a", "bc")):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).write_text(text)
    assert digest_tree(tmp_path / "ab") != digest_tree(tmp_path / "a")


def test_a_file_digest_is_its_plain_sha256(tmp_path: Path) -> None:
    """The digest of a file is what sha256sum prints."""
    (tmp_path / "f").write_bytes(b"abc")
    assert digest_file(tmp_path / "f") == (
        "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )
