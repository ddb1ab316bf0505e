"""What include, exclude and .gitignore leave of a tree."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drydock.engine.errors import EngineError
from drydock.engine.tree.changes import compare
from drydock.engine.tree.copy import copy_entries
from drydock.engine.tree.digest import digest_entries
from drydock.engine.tree.patch import diff_stats
from drydock.engine.tree.paths import clean, inside
from drydock.engine.tree.patterns import BadPatternError, translate
from drydock.engine.tree.remove import remove_matching
from drydock.engine.tree.replace import replace_text
from drydock.engine.tree.walk import Filter, walk


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for path in ("a.txt", "b.log", "src/main.py", "src/deep/er/x.md", "src/build/o", "z/only.log"):
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(path)
    (tmp_path / "empty").mkdir()
    return tmp_path


def paths(root: Path, **wanted: object) -> list[str]:
    return [entry.path for entry in walk(root, Filter.of(**wanted))]  # type: ignore[arg-type]


def test_everything_comes_in_byte_order_parents_first(root: Path) -> None:
    assert paths(root) == [
        "a.txt",
        "b.log",
        "empty",
        "src",
        "src/build",
        "src/build/o",
        "src/deep",
        "src/deep/er",
        "src/deep/er/x.md",
        "src/main.py",
        "z",
        "z/only.log",
    ]


def test_include_takes_parents_and_leaves_empty_directories(root: Path) -> None:
    assert paths(root, include=["**/*.md"]) == [
        "src",
        "src/deep",
        "src/deep/er",
        "src/deep/er/x.md",
    ]
    assert paths(root, include=["*.txt"]) == ["a.txt"]
    assert paths(root, include=["src", "!src/deep"]) == [
        "src",
        "src/build",
        "src/build/o",
        "src/main.py",
    ]


def test_exclude_wins_unless_undone(root: Path) -> None:
    assert paths(root, include=["src"], exclude=["src/*", "!src/main.py"]) == ["src", "src/main.py"]
    assert paths(root, exclude=["*", "!src/deep/er/x.md"]) == [
        "src",
        "src/deep",
        "src/deep/er",
        "src/deep/er/x.md",
    ]


def test_directories_that_cannot_hold_a_match_are_not_entered(root: Path) -> None:
    """A huge folder beside the wanted one costs nothing."""
    (root / "src" / "dangling").symlink_to("/nonexistent")
    calls: list[str] = []
    real = os.scandir

    def scandir(path: str) -> object:
        calls.append(os.path.relpath(path, root))
        return real(path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "scandir", scandir)
        paths(root, include=["src/deep/**/*.md", "a.txt"])
        assert calls == [".", "src", "src/deep", "src/deep/er"]
        calls.clear()
        paths(root, exclude=["*", "!src/deep"])
        assert calls == [".", "src", "src/deep", "src/deep/er"]


def test_gitignore_files_count_where_they_stand(root: Path) -> None:
    (root / ".gitignore").write_text("*.log\n/src/build/\n")
    (root / "z" / ".gitignore").write_text("!only.log\n")
    assert paths(root, gitignore=True) == [
        ".gitignore",
        "a.txt",
        "empty",
        "src",
        "src/deep",
        "src/deep/er",
        "src/deep/er/x.md",
        "src/main.py",
        "z",
        "z/.gitignore",
        "z/only.log",
    ]


def test_gitignore_of_the_repository_counts_below(root: Path) -> None:
    (root / ".gitignore").write_text("/src/deep\n*.py\n")
    found = walk(root / "src", Filter(gitignore=True), above=root)
    assert [entry.path for entry in found] == ["build", "build/o"]


@pytest.mark.parametrize("pattern", ["[", "[]", "a\\", "[z-a]"])
def test_malformed_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(BadPatternError):
        translate(pattern)


@given(st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1))
def test_star_matches_every_name_but_no_path(name: str) -> None:
    assert translate("*").match(name)
    assert not translate("*").match(f"{name}/{name}")
    assert translate("**").match(f"{name}/{name}")


def test_links_lead_nowhere_outside(tmp_path: Path) -> None:
    (tmp_path / "up").symlink_to("../../../etc")
    (tmp_path / "abs").symlink_to("/etc")
    (tmp_path / "loop").symlink_to("loop")
    assert inside(tmp_path, "up/passwd") == tmp_path / "etc/passwd"
    assert inside(tmp_path, "/abs/passwd") == tmp_path / "etc/passwd"
    assert inside(tmp_path, "../../x") == tmp_path / "x"
    assert inside(tmp_path, "abs", follow=False) == tmp_path / "abs"
    with pytest.raises(EngineError, match="too many levels"):
        inside(tmp_path, "loop")


@given(st.text(st.sampled_from("./ab"), max_size=20))
def test_clean_path_never_leaves_the_root(path: str) -> None:
    cleaned = clean(path)
    assert cleaned.startswith("/")
    assert ".." not in cleaned.split("/")


def test_digest_counts_contents_names_and_modes_but_not_times(tmp_path: Path) -> None:
    def digest() -> str:
        return digest_entries(walk(tmp_path), owner=(0, 0))

    file = tmp_path / "f"
    file.write_text("1")
    first = digest()
    os.utime(file, (1, 1))
    assert digest() == first
    file.chmod(0o700)
    assert digest() != first
    file.chmod(0o644)
    assert digest() == first
    file.write_text("2")
    assert digest() != first


def test_copy_keeps_links_modes_and_times(
    root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    target = tmp_path_factory.mktemp("copy")
    (root / "src/link").symlink_to("main.py")
    (root / "a.txt").chmod(0o640)
    os.utime(root / "src", ns=(5, 5))
    copy_entries(walk(root), target)
    assert digest_entries(walk(target)) == digest_entries(walk(root))
    assert (target / "src").stat().st_mtime_ns == 5
    assert (target / "src/link").readlink() == Path("main.py")


def test_comparison_finds_every_kind_of_change(
    root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("other")
    copy_entries(walk(root), other)
    (other / "a.txt").write_text("new text")
    (other / "src/deep/er/x.md").unlink()
    (other / "fresh").mkdir()
    (other / "b.log").unlink()
    (other / "b.log").mkdir()
    found = compare(root, other)
    assert found.modified == ["a.txt"]
    assert found.added == ["b.log", "fresh"]
    assert found.removed == ["b.log", "src/deep/er/x.md"]


def test_removal_by_pattern_stays_in_its_directory(root: Path) -> None:
    remove_matching(root, "src/d*")
    remove_matching(root, "*.log")
    remove_matching(root, "absent")
    assert paths(root) == [
        "a.txt",
        "empty",
        "src",
        "src/build",
        "src/build/o",
        "src/main.py",
        "z",
        "z/only.log",
    ]


def test_replacing_needs_one_place_unless_told_which() -> None:
    def replaced(text: bytes, *, every: bool = False, first_from: int | None = None) -> bytes:
        return replace_text(text, "a", "X", every=every, first_from=first_from)

    assert replaced(b"b a b") == b"b X b"
    assert replaced(b"a a", every=True) == b"X X"
    assert replaced(b"a\na\na\n", first_from=2) == b"a\nX\na\n"
    with pytest.raises(EngineError, match=r"line 1 \(0-1\), line 2 \(1-2\)"):
        replaced(b"a\nba")
    with pytest.raises(EngineError, match="not found"):
        replaced(b"bbb")


async def test_diff_stats_tell_new_removed_and_renamed_files_apart(tmp_path: Path) -> None:
    """A file that is on one side only is no rename of nothing."""
    before, after, scratch = (tmp_path / name for name in ("before", "after", "scratch"))
    for folder in (before, after, scratch):
        folder.mkdir()
    long = "".join(f"line {number}\n" for number in range(20))
    (before / "gone.txt").write_text("one\ntwo\n")
    (before / "old.txt").write_text(long)
    (before / "same.txt").write_text("same\n")
    (before / "changed.txt").write_text("one\n")
    (after / "moved.txt").write_text(long)
    (after / "same.txt").write_text("same\n")
    (after / "changed.txt").write_text("uno\ndos\n")
    (after / "fresh.txt").write_text("entirely new\n")
    assert await diff_stats(compare(before, after), scratch) == [
        ("changed.txt", "MODIFIED", 2, 1, None),
        ("fresh.txt", "ADDED", 1, 0, None),
        ("gone.txt", "REMOVED", 0, 2, None),
        ("moved.txt", "RENAMED", 0, 0, "old.txt"),
    ]
