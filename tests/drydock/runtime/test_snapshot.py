"""Snapshots: changes stack up, are kept by commit and read back by any process."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from drydock.runtime.errors import ImageFault, RuntimeFault
from drydock.runtime.mount import mounts_below
from drydock.runtime.snapshot import Snapshot, SnapshotStore
from drydock.runtime.state import StateDir

pytestmark = pytest.mark.root


async def snapshot_of(
    store: SnapshotStore, files: dict[str, str], parent: Snapshot | None = None
) -> Snapshot:
    async with store.edit(parent or store.empty) as edit:
        for name, text in files.items():
            path = edit.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return await edit.commit()


async def contents(store: SnapshotStore, snapshot: Snapshot) -> dict[str, str]:
    async with store.view(snapshot) as root:
        return {
            str(path.relative_to(root)): path.read_text()
            for path in sorted(root.rglob("*"))
            if path.is_file()
        }


async def test_commit_keeps_changes_over_the_parent(store: SnapshotStore) -> None:
    """A child shows its own files and its parent's; the parent does not change."""
    first = await snapshot_of(store, {"a": "1", "d/b": "2"})
    async with store.edit(first) as edit:
        (edit.path / "a").write_text("changed")
        (edit.path / "d/b").unlink()
        second = await edit.commit()
    assert await contents(store, first) == {"a": "1", "d/b": "2"}
    assert await contents(store, second) == {"a": "changed"}


async def test_leaving_without_commit_drops_the_changes(
    store: SnapshotStore, state: StateDir
) -> None:
    """An edit that is not committed leaves neither files nor mounts."""
    first = await snapshot_of(store, {"a": "1"})
    async with store.edit(first) as edit:
        (edit.path / "a").write_text("lost")
    assert await contents(store, first) == {"a": "1"}
    assert not list(state.scratch.glob("edit-*"))
    assert [p for p in mounts_below(state.scratch) if "edit" in str(p)] == []


async def test_an_edit_without_changes_is_its_parent(store: SnapshotStore) -> None:
    """Nothing written, nothing added: also the chain stays short."""
    first = await snapshot_of(store, {"a": "1"})
    async with store.edit(first) as edit:
        (edit.path / "a").read_text()
        assert await edit.commit() == first


async def test_the_root_keeps_its_mode_and_owner(store: SnapshotStore) -> None:
    """The root directory of a tree belongs to the tree."""
    async with store.edit(store.empty) as edit:
        edit.path.chmod(0o711)
        os.chown(edit.path, 5, 6)
        first = await edit.commit()
    second = await snapshot_of(store, {"x": ""}, first)
    async with store.view(second) as root:
        status = root.stat()
    assert (status.st_mode & 0o7777, status.st_uid, status.st_gid) == (0o711, 5, 6)


async def test_views_are_read_only_and_shared(store: SnapshotStore) -> None:
    """Two views of a snapshot are one mount, and nobody can write there."""
    one = await snapshot_of(store, {"a": "1"})
    two = await snapshot_of(store, {"b": "1"}, one)
    for snapshot in (one, two):
        async with store.view(snapshot) as first, store.view(snapshot) as second:
            assert first == second
            with pytest.raises(OSError, match="Read-only"):
                (first / "c").write_text("")


async def test_a_chain_of_hundreds_of_layers_mounts(store: SnapshotStore) -> None:
    """More layers than one mount can name are flattened on the way, deletions included."""
    snapshot = await snapshot_of(store, {"gone": "x", "kept": "y"})
    for number in range(300):
        async with store.edit(snapshot) as edit:
            (edit.path / f"f{number}").write_text(str(number))
            (edit.path / "gone").unlink(missing_ok=True)
            snapshot = await edit.commit()
    found = await contents(store, snapshot)
    assert len(found) == 301
    assert found["f299"] == "299"
    assert "gone" not in found


async def test_another_process_reads_what_this_one_made(
    store: SnapshotStore, state: StateDir
) -> None:
    """Snapshots survive the process that made them."""
    snapshot = await snapshot_of(store, {"a": "hello"}, await snapshot_of(store, {"b": ""}))
    again = SnapshotStore(StateDir(state.root))
    found = again.get(snapshot.id)
    assert found is not None
    assert (await contents(again, found))["a"] == "hello"
    again.close()
    assert again.get("none") is None


async def test_prune_keeps_what_is_named_and_what_it_stands_on(store: SnapshotStore) -> None:
    """Pruning removes the rest and counts its bytes."""
    first = await snapshot_of(store, {"a": "1"})
    second = await snapshot_of(store, {"b": "2"}, first)
    other = await snapshot_of(store, {"big": "x" * 100_000})
    assert store.prune(lambda: [second]) >= 100_000
    assert store.get(other.id) is None
    assert await contents(store, second) == {"a": "1", "b": "2"}


async def test_prune_refuses_while_another_process_holds_the_store(
    store: SnapshotStore, state: StateDir
) -> None:
    """Nobody's snapshot goes while it may be in use."""
    other = SnapshotStore(StateDir(state.root))
    with pytest.raises(RuntimeFault, match="drydock stop"):
        store.prune(list)
    other.close()
    store.prune(list)


def test_a_dead_process_is_swept(state: StateDir) -> None:
    """What a killed process held under run/ goes with the next start; a living one's stays."""
    script = (
        "import sys,time; from drydock.runtime.state import StateDir; from pathlib import Path\n"
        "s = StateDir(Path(sys.argv[1])); (s.fresh('edit') / 'x').write_text('')\n"
        "print(s.scratch, flush=True)\n"
        "time.sleep(60)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(state.root)], stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout
        held = Path(process.stdout.readline().strip())
        StateDir(state.root).scratch  # noqa: B018 - the sweep happens on first use
        assert held.exists()
        process.kill()
    later = StateDir(state.root)
    assert later.scratch.exists()
    assert not held.exists()
    later.close()


def names(state: StateDir, digest: str) -> list[str]:
    with tarfile.open(state.blob(digest)) as tar:
        return tar.getnames()


async def test_an_exported_layer_holds_what_was_added(
    store: SnapshotStore, state: StateDir
) -> None:
    """Additions, whiteouts for deletions, and an opaque marker where a directory started anew."""
    base = await snapshot_of(store, {"a": "1", "d/x": "1", "e/y": "1"})
    async with store.edit(base) as edit:
        (edit.path / "a").unlink()
        (edit.path / "d/x").unlink()
        (edit.path / "d").rmdir()
        (edit.path / "d").mkdir()
        (edit.path / "d/new").write_text("")
        (edit.path / "temporary").write_text("")
        middle = await edit.commit()
    async with store.edit(middle) as edit:
        (edit.path / "temporary").unlink()
        (edit.path / "n").write_text("n")
        last = await edit.commit()
    layer = await store.export_layer(last, base)
    assert names(state, layer.digest) == [".wh.a", "d", "d/.wh..wh..opq", "d/new", "n"]
    copy = await store.apply_layer(base, state.blob(layer.digest), diff_id=layer.diff_id)
    assert await contents(store, copy) == await contents(store, last)
    whole = await store.export_layer(last, compression="zstd")
    again = await store.apply_layer(store.empty, state.blob(whole.digest))
    assert await contents(store, again) == await contents(store, last)


async def test_exports_of_equal_trees_are_equal(store: SnapshotStore) -> None:
    """The digest of a layer depends on the tree, not on when and in which order it was made."""
    digests = set()
    for order in (["b", "a", "c"], ["c", "b", "a"]):
        snapshot = await snapshot_of(store, dict.fromkeys(order, "same"))
        digests.add((await store.export_layer(snapshot, mtime=0)).digest)
    assert len(digests) == 1


async def test_a_layer_keeps_what_a_file_system_knows(
    store: SnapshotStore, state: StateDir
) -> None:
    """Modes, owners, links, devices, extended attributes and times come back from a layer."""
    async with store.edit(store.empty) as edit:
        root = edit.path
        (root / "file").write_text("x")
        os.chown(root / "file", 1000, 1001)
        (root / "file").chmod(0o4755)
        os.link(root / "file", root / "hard")
        (root / "soft").symlink_to("../../etc/passwd")
        os.mkfifo(root / "fifo", 0o640)
        os.mknod(root / "null", 0o20666, os.makedev(1, 3))
        os.setxattr(root / "file", "user.note", b"\xff\x00")
        (root / "dir").mkdir(mode=0o1777)
        os.utime(root / "dir", (5, 5))
        first = await edit.commit()
    layer = await store.export_layer(first)
    second = await store.apply_layer(store.empty, state.blob(layer.digest))
    assert (await store.export_layer(second)).digest == layer.digest
    async with store.view(second) as root:
        status = (root / "file").stat()
        assert (status.st_mode & 0o7777, status.st_uid, status.st_gid) == (0o4755, 1000, 1001)
        assert status.st_nlink == 2
        assert os.getxattr(root / "file", "user.note") == b"\xff\x00"
        assert (root / "dir").stat().st_mtime == 5
        assert (root / "null").stat().st_rdev == os.makedev(1, 3)


def hostile_tar(path: Path) -> None:
    with tarfile.open(path, "w") as tar:
        link = tarfile.TarInfo("out")
        link.type, link.linkname = tarfile.SYMTYPE, "/../.."
        tar.addfile(link)
        for name in ("../../escaped", "out/through-link", "/absolute"):
            tar.addfile(tarfile.TarInfo(name))


async def test_a_hostile_layer_stays_inside(store: SnapshotStore, tmp_path: Path) -> None:
    """Names with `..` and links that point out of the tree end inside it."""
    hostile_tar(tmp_path / "evil.tar")
    snapshot = await store.apply_layer(store.empty, tmp_path / "evil.tar")
    async with store.view(snapshot) as root:
        assert sorted(path.name for path in root.iterdir()) == [
            "absolute",
            "escaped",
            "out",
            "through-link",
        ]


async def test_a_layer_cannot_speak_for_overlayfs(store: SnapshotStore, tmp_path: Path) -> None:
    """Attributes by which overlayfs hides and redirects are left out."""
    with tarfile.open(tmp_path / "l.tar", "w", format=tarfile.PAX_FORMAT) as tar:
        entry = tarfile.TarInfo("d")
        entry.type = tarfile.DIRTYPE
        entry.pax_headers = {
            "SCHILY.xattr.trusted.overlay.redirect": "/elsewhere",
            "SCHILY.xattr.user.note": "kept",
        }
        tar.addfile(entry)
    snapshot = await store.apply_layer(store.empty, tmp_path / "l.tar")
    async with store.view(snapshot) as root:
        assert os.listxattr(root / "d") == ["user.note"]


async def test_a_layer_that_fits_nowhere_is_told_broken(
    store: SnapshotStore, tmp_path: Path
) -> None:
    with tarfile.open(tmp_path / "l.tar", "w") as tar:
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.LNKTYPE, "nothing"
        tar.addfile(link)
    with pytest.raises(ImageFault, match="broken"):
        await store.apply_layer(store.empty, tmp_path / "l.tar")


async def test_whiteouts_spare_what_their_own_layer_brings(
    store: SnapshotStore, tmp_path: Path
) -> None:
    """An opaque marker after a file of the same layer deletes older files only."""
    base = await snapshot_of(store, {"d/old": "1"})
    with tarfile.open(tmp_path / "l.tar", "w") as tar:
        tar.addfile(tarfile.TarInfo("d/new"))
        tar.addfile(tarfile.TarInfo("d/.wh..wh..opq"))
        tar.addfile(tarfile.TarInfo("d/.wh.new"))
    result = await store.apply_layer(base, tmp_path / "l.tar")
    assert await contents(store, result) == {"d/new": ""}


async def test_a_layer_with_another_digest_is_refused(store: SnapshotStore, tmp_path: Path) -> None:
    """The uncompressed digest that the image names is checked."""
    with tarfile.open(tmp_path / "l.tar", "w") as tar:
        tar.addfile(tarfile.TarInfo("a"))
    with pytest.raises(ImageFault, match="the image names"):
        await store.apply_layer(store.empty, tmp_path / "l.tar", diff_id="sha256:" + "0" * 64)
    (tmp_path / "broken").write_bytes(b"\x1f\x8b broken")
    with pytest.raises(ImageFault, match="broken"):
        await store.apply_layer(store.empty, tmp_path / "broken")


async def test_edits_of_one_parent_are_independent(store: SnapshotStore) -> None:
    """Many edits at once each keep their own changes."""
    base = await snapshot_of(store, {"a": "1"})
    made = await asyncio.gather(*(snapshot_of(store, {f"f{n}": str(n)}, base) for n in range(20)))
    for number, snapshot in enumerate(made):
        assert await contents(store, snapshot) == {"a": "1", f"f{number}": str(number)}
