"""`Changeset`: what leads from one directory to another; can be shown, merged, applied and exported."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from drydock.engine.engine import Engine
from drydock.engine.field import Call, attributes, field
from drydock.engine.lazy import Lazy, digest_of
from drydock.engine.tree import in_thread
from drydock.engine.tree.changes import Changes, compare
from drydock.engine.tree.copy import copy_entries
from drydock.engine.tree.edit import TreeEdit
from drydock.engine.tree.merge import Conflict, merge
from drydock.engine.tree.patch import diff_stats, patch_of
from drydock.engine.tree.remove import remove_matching

from .client_path import export_path
from .directory import Directory
from .directory_edit import edited, export_directory
from .file import File


@dataclass(frozen=True)
class DiffStat:
    """How much of one file changed."""

    graphql_type: ClassVar[str] = "DiffStat"
    path: str
    kind: str
    added_lines: int
    removed_lines: int
    old_path: str | None = None


attributes("DiffStat", "path", "kind", "addedLines", "removedLines", "oldPath")


@dataclass(frozen=True)
class Changeset:
    """Two directories."""

    graphql_type: ClassVar[str] = "Changeset"
    before: Directory
    after: Directory

    async def key(self) -> str:
        """Return what names it."""
        return digest_of("changeset", await self.before.key(), await self.after.key())

    @asynccontextmanager
    async def compared(self, engine: Engine) -> AsyncIterator[tuple[Changes, Path, Path]]:
        """Evaluate both, and lend the differences while both are mounted."""
        async with self.before.mounted(engine) as before, self.after.mounted(engine) as after:
            yield await in_thread(compare, before, after), before, after


attributes("Changeset", "before", "after")


@field("Query.changeset")
def changeset(_: object, call: Call) -> Changeset:
    """Return one without changes."""
    empty = Directory(Lazy.ready("empty", call.runtime.snapshots.empty))
    return Changeset(empty, empty)


@field("Directory.changes")
def changes(self: Directory, _: Call, *, from_: Directory) -> Changeset:
    """Return what leads from another directory to this one."""
    return Changeset(from_, self)


@field("Changeset.isEmpty")
async def is_empty(self: Changeset, call: Call) -> bool:
    """Tell whether nothing changed."""
    async with self.compared(call.runtime) as (found, _, _):
        return not found


@field("Changeset.addedPaths")
async def added_paths(self: Changeset, call: Call) -> list[str]:
    """List what was added."""
    async with self.compared(call.runtime) as (found, _, _):
        return found.shown(found.added, found.after)


@field("Changeset.modifiedPaths")
async def modified_paths(self: Changeset, call: Call) -> list[str]:
    """List the files that were changed."""
    async with self.compared(call.runtime) as (found, _, _):
        return [path for path in found.modified if not found.after[path].is_directory]


@field("Changeset.removedPaths")
async def removed_paths(self: Changeset, call: Call) -> list[str]:
    """List what was removed; of a removed directory only itself."""
    async with self.compared(call.runtime) as (found, _, _):
        return found.shown(found.removed_tops, found.before)


@field("Changeset.diffStats")
async def stats(self: Changeset, call: Call) -> list[DiffStat]:
    """Count the lines that changed, per file."""
    async with self.compared(call.runtime) as (found, _, _):
        folder = call.runtime.state.fresh("diff")
        return [DiffStat(*item) for item in await diff_stats(found, folder)]


@field("Changeset.layer")
def layer(self: Changeset, call: Call) -> Directory:
    """Return what was added or modified as a directory."""

    async def apply(root: Path) -> None:
        async with self.compared(call.runtime) as (found, _, _):
            await in_thread(lambda: copy_entries(found.taken(), root))

    empty = Lazy.ready("empty", call.runtime.snapshots.empty)
    return Directory(TreeEdit(call.runtime, empty, ["layer"], apply, inputs=[self], cheap=False))


@field("Changeset.asPatch")
def as_patch(self: Changeset, call: Call) -> File:
    """Return the changes as a unified diff in git's form."""

    async def apply(root: Path) -> None:
        async with self.compared(call.runtime) as (found, _, _):
            patch = await patch_of(found, call.runtime.state.fresh("diff"))
            await in_thread((root / "diff.patch").write_bytes, patch)

    empty = Lazy.ready("empty", call.runtime.snapshots.empty)
    tree = TreeEdit(call.runtime, empty, ["patch"], apply, inputs=[self], cheap=False)
    return File(tree, "/diff.patch", shown="diff.patch")


@field("Directory.withChanges")
def with_changes(self: Directory, call: Call, *, changes: Changeset) -> Directory:
    """Apply a changeset."""

    async def change(root: Path) -> None:
        async with changes.compared(call.runtime) as (found, _, _):
            await in_thread(apply_changes, found, root)

    return edited(self, call, ["withChanges"], change, inputs=[changes], cheap=False)


def apply_changes(found: Changes, root: Path) -> None:
    """Remove what was removed, copy what was added or modified."""
    for path in found.removed_tops:
        remove_matching(root, _literal(path))
    copy_entries(found.taken(), root)


def _literal(path: str) -> str:
    """Return a path as a pattern that matches just itself."""
    return "".join(f"\\{char}" if char in "*?[\\" else char for char in path)


@field("Changeset.export")
async def export(self: Changeset, call: Call, *, path: str) -> str:
    """Apply the changes to a directory of the client's machine; return its absolute path."""
    target = export_path(call, path)
    async with self.compared(call.runtime) as (found, _, after):

        def write() -> None:
            for gone in found.removed_tops:
                remove_matching(target, _literal(gone))
            export_directory(after, target, wipe=False, entries=list(found.taken()))

        await in_thread(write)
    return str(target)


@field("Changeset.sync")
async def sync(self: Changeset, call: Call) -> Changeset:
    """Evaluate both directories."""
    await self.before.evaluate(call.runtime)
    await self.after.evaluate(call.runtime)
    return self


@field("Changeset.withChangeset")
def with_changeset(
    self: Changeset, call: Call, *, changes: Changeset, on_conflict: str
) -> Changeset:
    """Add the changes of another changeset."""
    return merged(self, call, [changes], Conflict[on_conflict])


@field("Changeset.withChangesets")
def with_changesets(
    self: Changeset, call: Call, *, changes: list[Changeset], on_conflict: str
) -> Changeset:
    """Add the changes of several changesets."""
    return merged(self, call, changes, Conflict[on_conflict])


def merged(self: Changeset, call: Call, others: list[Changeset], conflict: Conflict) -> Changeset:
    """Return a changeset with the changes of all, from the first one's start."""

    async def change(root: Path) -> None:
        async with self.compared(call.runtime) as (ours, _, _):
            touched = {*ours.added, *ours.modified, *ours.removed}
            for other in others:
                async with other.compared(call.runtime) as (theirs, base, _):
                    await in_thread(merge, root, touched, theirs, base, conflict)
                    touched |= {*theirs.added, *theirs.modified, *theirs.removed}

    after = edited(
        self.after,
        call,
        ["withChangesets", conflict.name],
        change,
        inputs=[self, *others],
        cheap=False,
    )
    return Changeset(self.before, after)
