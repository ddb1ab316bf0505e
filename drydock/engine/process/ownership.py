"""Who owns a file that is put into a container: `user[:group]`, names or numbers.

Not the rule for who runs a command (`drydock.runtime.users`): here a user's number also stands for the group, as on a real
engine. Names are those of the container's own /etc/passwd and /etc/group.
"""

from __future__ import annotations

from pathlib import Path

from drydock.engine.errors import EngineError
from drydock.runtime.rootview import RootView


def resolve_owner(root: Path, owner: str) -> tuple[int, int]:
    """Return (uid, gid) of an owner; EngineError, worded as a real engine's, for an unknown name. Blocking."""
    user, _, group = owner.partition(":")
    view = RootView(root)
    uid = _number(view, "/etc/passwd", user)
    if uid is None:
        raise EngineError(
            f"failed to resolve ownership for {owner}: find uid: no such user: {user}"
        )
    if not group:
        return uid, uid
    gid = _number(view, "/etc/group", group)
    if gid is None:
        raise EngineError(
            f"failed to resolve ownership for {owner}: find gid: no such group: {group}"
        )
    return uid, gid


def needs_names(owner: str) -> bool:
    """Tell whether an owner can only be resolved with the container's files."""
    return not all(part.isdecimal() for part in owner.split(":"))


def _number(view: RootView, path: str, name: str) -> int | None:
    """Return a number as it is, and that of a name from the third column of its line."""
    if name.isdecimal():
        return int(name)
    for line in read_text(view, path).splitlines():
        fields = line.split(":")
        if len(fields) > 2 and fields[0] == name and fields[2].isdecimal():
            return int(fields[2])
    return None


def read_text(view: RootView, path: str) -> str:
    """Return a text file of a container, "" if there is none."""
    found = view.find(path)
    if found.host is None or not found.host.is_file():
        return ""
    return found.host.read_text(errors="replace")
