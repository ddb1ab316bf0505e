"""Users and groups as a container's own /etc/passwd and /etc/group know them.

Two questions with different answers on a real engine, hence two functions: who runs a command (`run_as`), and who
owns a file that is copied in (`owner_of`, where a user's name also stands for its group). Pure: texts in, ids out.
"""

from __future__ import annotations

from dataclasses import dataclass


class UnknownAccountError(LookupError):
    """A user or group that the container's files do not name."""


@dataclass(frozen=True)
class Account:
    """The identity of a process."""

    uid: int
    gid: int
    groups: tuple[int, ...] = ()
    home: str = "/"


@dataclass(frozen=True)
class _User:
    name: str
    uid: int
    gid: int
    home: str


@dataclass(frozen=True)
class _Group:
    name: str
    gid: int
    members: tuple[str, ...]


def run_as(user: str, passwd: str, group: str) -> Account:
    """Resolve `user[:group]`, names or numbers, to the identity of a process.

    A number that no line knows is taken as it is, with group 0. Groups of /etc/group are added only when no group is
    given. Raises UnknownAccountError for a name that no line knows.
    """
    wanted_user, _, wanted_group = user.partition(":")
    uid, gid, home, name = _who(wanted_user, passwd)
    groups = _groups(group)
    if wanted_group:
        return Account(uid, _which(wanted_group, groups), (), home)
    additional = tuple(entry.gid for entry in groups if name and name in entry.members)
    return Account(uid, gid, additional, home)


def owner_of(owner: str, passwd: str, group: str) -> tuple[int, int]:
    """Resolve `user[:group]` to (uid, gid) of a file; without a group the uid stands for both.

    Raises UnknownAccountError, worded as the real engine words it.
    """
    user, _, wanted_group = owner.partition(":")
    if user.isdecimal():
        uid = int(user)
    else:
        found = next((entry.uid for entry in _users(passwd) if entry.name == user), None)
        if found is None:
            raise UnknownAccountError(
                f"failed to resolve ownership for {owner}: find uid: no such user: {user}"
            )
        uid = found
    if not wanted_group:
        return uid, uid
    if wanted_group.isdecimal():
        return uid, int(wanted_group)
    gid = next((entry.gid for entry in _groups(group) if entry.name == wanted_group), None)
    if gid is None:
        raise UnknownAccountError(
            f"failed to resolve ownership for {owner}: find gid: no such group: {wanted_group}"
        )
    return uid, gid


def _who(wanted: str, passwd: str) -> tuple[int, int, str, str]:
    wanted = wanted or "0"
    for entry in _users(passwd):
        if wanted in (entry.name, str(entry.uid)):
            return entry.uid, entry.gid, entry.home or "/", entry.name
    if wanted.isdecimal():
        return int(wanted), 0, "/", ""
    raise UnknownAccountError(
        f"get user: unable to find user {wanted}: no matching entries in passwd file"
    )


def _which(wanted: str, groups: list[_Group]) -> int:
    for entry in groups:
        if wanted in (entry.name, str(entry.gid)):
            return entry.gid
    if wanted.isdecimal():
        return int(wanted)
    raise UnknownAccountError(
        f"get user: unable to find group {wanted}: no matching entries in group file"
    )


def _users(passwd: str) -> list[_User]:
    """Read the lines of /etc/passwd; what is no account line is skipped, as libc does."""
    users = []
    for line in passwd.splitlines():
        fields = [*line.strip().split(":"), "", "", "", "", "", ""]
        name, _, uid, gid, _, home = fields[:6]
        if name and uid.isdecimal() and gid.isdecimal():
            users.append(_User(name, int(uid), int(gid), home))
    return users


def _groups(group: str) -> list[_Group]:
    groups = []
    for line in group.splitlines():
        name, _, gid, members = [*line.strip().split(":"), "", "", "", ""][:4]
        if name and gid.isdecimal():
            groups.append(_Group(name, int(gid), tuple(filter(None, members.split(",")))))
    return groups
