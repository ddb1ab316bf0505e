"""Names of users and groups, as the files of a container's own root file system define them.

Called by the engine and the kubelet, which turn `USER app:staff` into numbers before a process is
started.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from drydock.runtime.errors import SetupFailed
from drydock.runtime.process import User
from drydock.runtime.rootview import RootView


@dataclass(frozen=True)
class Account:
    """A user with the home directory of its passwd entry (`/` if it has none)."""

    user: User
    home: str


def resolve_account(view: RootView, text: str) -> Account:
    """Resolve `uid`, `name`, `uid:gid` or `name:group`; empty means root.

    A numeric user without a group gets the group of its passwd entry, or 0; a named one also its
    further groups. SetupFailed for a name that is not there.
    """
    name, _, group = text.partition(":")
    name = name or "0"
    entry = next((row for row in _rows(view, "/etc/passwd", 6) if name in (row[0], row[2])), None)
    if entry is None and not name.isdigit():
        raise SetupFailed(f"unable to find user {name}: no matching entries in passwd file")
    uid = int(entry[2]) if entry else int(name)
    gid = int(entry[3]) if entry else 0
    further: tuple[int, ...] = ()
    if group:
        gid = _group(view, group)
    elif entry:
        further = tuple(
            sorted(
                int(row[2])
                for row in _rows(view, "/etc/group", 4)
                if entry[0] in row[3].split(",") and int(row[2]) != gid
            )
        )
    return Account(User(uid, gid, further), (entry[5] if entry else "") or "/")


def _group(view: RootView, name: str) -> int:
    for row in _rows(view, "/etc/group", 3):
        if row[0] == name:
            return int(row[2])
    if name.isdigit():
        return int(name)
    raise SetupFailed(f"unable to find group {name}: no matching entries in group file")


def _rows(view: RootView, path: str, least: int) -> Iterator[list[str]]:
    found = view.find(path)
    if found.host is None or found.status is None:
        return
    for line in found.host.read_text(errors="replace").splitlines():
        row = line.split(":")
        if len(row) >= least and row[2].isdigit():
            yield row
