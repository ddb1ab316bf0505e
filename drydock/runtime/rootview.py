"""A container's file system seen from the host: its root with the mounts that will cover it.

Called by command.py (where is the program?), users.py (who is `app`?) and bundle.py (does the mount
point exist?) before anything is mounted. Links are followed as the process inside will follow them,
never out of the root.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from drydock.runtime.process import BindMount, Mount

_MOST_LINKS = 40


@dataclass(frozen=True)
class Found:
    """A path as the container resolves it.

    `inside` has no links left, `host` is where it lies on the host. `host` is None below a file
    system that exists only inside (tmpfs, /proc). `status` is None if nothing is there.
    """

    inside: str
    host: Path | None
    status: os.stat_result | None


class RootView:
    """The root directory `root` covered by `mounts`."""

    def __init__(self, root: Path, mounts: Sequence[Mount] = ()) -> None:
        self._root = root
        self._mounts: list[tuple[tuple[str, ...], Path | None]] = [
            (("proc",), None),
            (("sys",), None),
            (("dev",), None),
        ]
        for mount in mounts:
            target = tuple(part for part in mount.target.split("/") if part not in {"", "."})
            self._mounts.append((target, mount.source if isinstance(mount, BindMount) else None))
        self._mounts.sort(key=lambda mount: len(mount[0]), reverse=True)

    def find(self, path: str, cwd: str = "/") -> Found:
        """Resolve `path`; names that do not exist are kept as they are.

        OSError(ELOOP) for a ring of links.
        """
        resolved: list[str] = []
        status: os.stat_result | None = None
        pending = [*reversed(path.split("/"))]
        if not path.startswith("/"):
            pending += reversed(cwd.split("/"))
        links = 0
        while pending:
            part = pending.pop()
            if part in {"", "."}:
                continue
            if part == "..":
                del resolved[-1:]
                continue
            resolved.append(part)
            host = self._host(resolved)
            status = _lstat(host)
            if status is not None and stat.S_ISLNK(status.st_mode) and host is not None:
                links += 1
                if links > _MOST_LINKS:
                    raise OSError(40, "Too many levels of symbolic links", path)
                target = str(host.readlink())
                del resolved[-1:]
                if target.startswith("/"):
                    resolved.clear()
                pending += reversed(target.split("/"))
        host = self._host(resolved)
        return Found("/" + "/".join(resolved), host, _lstat(host))

    def _host(self, parts: Sequence[str]) -> Path | None:
        for target, source in self._mounts:
            if tuple(parts[: len(target)]) == target:
                return None if source is None else source.joinpath(*parts[len(target) :])
        return self._root.joinpath(*parts)


def _lstat(path: Path | None) -> os.stat_result | None:
    try:
        return None if path is None else path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
