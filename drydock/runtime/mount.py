"""Mounting layers on one another.

Overlayfs with the options that keep an upper directory self-contained. Called by snapshot.py only.
redirect_dir, metacopy and index are off, so that an upper directory means the same when it is
renamed, copied or put on other layers. The layers are named by descriptors (/proc/self/fd/N),
because mount options end at one page: 128 layers fit on every kernel since 5.11, whatever the
length and the characters of the paths.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from drydock.runtime.syscalls import MS_BIND, MS_RDONLY, MS_REMOUNT, mount

MAX_LAYERS = 128
_PLAIN = "redirect_dir=off,metacopy=off,index=off,xino=off"


def mount_overlay(
    target: Path, lowers: Sequence[Path], *, upper: Path | None = None, work: Path | None = None
) -> None:
    """Mount `lowers` (topmost first) at `target`; read-only unless `upper` and `work` are given.

    A writable mount is volatile: it never syncs the disk, neither for the fsync of a package
    manager inside nor when it is taken down. What a power cut spoils can be made again.
    """
    with ExitStack() as opened:

        def handle(path: Path) -> str:
            descriptor = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
            opened.callback(os.close, descriptor)
            return f"/proc/self/fd/{descriptor}"

        options = [_PLAIN, "lowerdir=" + ":".join(handle(lower) for lower in lowers)]
        if upper is not None and work is not None:
            options += [f"upperdir={handle(upper)}", f"workdir={handle(work)}", "volatile"]
        mount("overlay", target, "overlay", 0 if upper else MS_RDONLY, ",".join(options))


def mount_read_only(source: Path, target: Path) -> None:
    """Show `source` at `target`, read-only."""
    mount(os.fspath(source), target, flags=MS_BIND)
    mount("", target, flags=MS_REMOUNT | MS_BIND | MS_RDONLY)


def mounts_below(folder: Path) -> list[Path]:
    """Return the mount points of this process below `folder`, deepest first."""
    prefix = f"{folder}/"
    found = []
    with Path("/proc/self/mountinfo").open("rb") as table:
        for line in table:
            point = line.split(b" ")[4].decode("unicode_escape").encode("latin-1")
            text = os.fsdecode(point)
            if text.startswith(prefix):
                found.append(Path(text))
    return sorted(found, key=lambda path: len(path.parts), reverse=True)
