"""Mount points that an image lacks: made before a container starts, gone when it has ended.

Called by runner.py. What is mounted into a container must leave no trace in its snapshot, not even
the empty file or folder it was mounted on, nor the changed time of the folder around it.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from drydock.runtime.errors import SetupFailed
from drydock.runtime.rootview import RootView


@dataclass
class _Touched:
    """A folder that existed before.

    Times in nanoseconds, before and after something was made in it.
    """

    path: Path
    before: int
    after: int


class MountPoints:
    """The mount points made for one container."""

    def __init__(self) -> None:
        self._made: list[Path] = []
        self._touched: dict[Path, _Touched] = {}

    def ensure(self, view: RootView, target: str, *, folder: bool) -> None:
        """Make sure that `target` exists as a folder or a file.

        `view` shows what will lie around it.
        """
        found = view.find(target)
        if found.host is None:
            return
        if found.status is not None:
            if stat.S_ISDIR(found.status.st_mode) != folder:
                kind = "a file on a directory" if not folder else "a directory on a file"
                raise SetupFailed(f"cannot mount {kind}: {target}")
            return
        try:
            self._make(found.host, folder=folder)
        except OSError as error:
            reason = (
                "the file system is read-only" if error.errno == errno.EROFS else error.strerror
            )
            raise SetupFailed(f"cannot make the mount point {target}: {reason}") from error

    def remove(self) -> None:
        """Remove what was made and is still empty, and set the times of the folders back."""
        changed = {path: _mtime(path) != touched.after for path, touched in self._touched.items()}
        for path in reversed(self._made):
            with suppress(OSError):
                # Whoever filled it wanted it there, so a folder that is not empty stays.
                status = path.lstat()
                if stat.S_ISDIR(status.st_mode):
                    path.rmdir()
                elif stat.S_ISREG(status.st_mode) and status.st_size == 0:
                    path.unlink()
        for path, touched in self._touched.items():
            if not changed[path]:
                with suppress(OSError):
                    os.utime(path, ns=(touched.before, touched.before))
        self._made.clear()
        self._touched.clear()

    def _make(self, path: Path, *, folder: bool) -> None:
        missing = []
        parent = path.parent
        while not parent.exists():
            missing.append(parent)
            parent = parent.parent
        if parent not in self._touched and parent not in self._made:
            self._touched[parent] = _Touched(parent, _mtime(parent), 0)
        for each in reversed(missing):
            each.mkdir(mode=0o755)
            self._made.append(each)
        if folder:
            path.mkdir(mode=0o755)
        else:
            path.touch(mode=0o644)
        self._made.append(path)
        if parent in self._touched:
            self._touched[parent].after = _mtime(parent)


def _mtime(path: Path) -> int:
    try:
        return path.lstat().st_mtime_ns
    except FileNotFoundError:
        return 0
