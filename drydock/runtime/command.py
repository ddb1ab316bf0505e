"""Whether a container's command can be started, told before it is tried.

Called by runner.py. crun reports a missing program only after the container stands, in its own
words; a real engine's words are part of its API. The rules are those of Go's exec.LookPath and of
the kernel's execve.
"""

from __future__ import annotations

import stat

from drydock.runtime.errors import CommandNotFound, NotExecutable
from drydock.runtime.process import ProcessSpec, User
from drydock.runtime.rootview import Found, RootView

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_HEAD = 256


def check_command(view: RootView, spec: ProcessSpec) -> None:
    """Raise CommandNotFound or NotExecutable, worded as a real engine, if `spec` cannot start."""
    command = spec.args[0]
    if "/" in command:
        found = view.find(command, spec.cwd)
        if _is_hidden(found):
            return
        if found.status is None:
            raise CommandNotFound(command, f"fork/exec {command}: no such file or directory")
        if not _may_execute(found, spec.user):
            raise NotExecutable(command, f"fork/exec {command}: permission denied")
        _check_format(view, command, command, found)
        return
    for folder in (spec.env.get("PATH") or DEFAULT_PATH).split(":"):
        path = f"{folder or '.'}/{command}"
        found = view.find(path, spec.cwd)
        if _is_hidden(found):
            return
        if found.status is not None and _may_execute(found, spec.user):
            _check_format(view, command, path, found)
            return
    raise CommandNotFound(command, f'exec: "{command}": executable file not found in $PATH')


def _is_hidden(found: Found) -> bool:
    """Tell whether only the container itself can know what is there (below /proc or a tmpfs)."""
    return found.host is None and not found.inside.startswith(("/dev/", "/sys/"))


def _may_execute(found: Found, user: User) -> bool:
    status = found.status
    if status is None or not stat.S_ISREG(status.st_mode):
        return False
    if user.uid == 0:
        return bool(status.st_mode & 0o111)
    if user.uid == status.st_uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid in {user.gid, *user.additional_gids}:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)


def _check_format(view: RootView, command: str, path: str, found: Found) -> None:
    """Look at the first bytes as the kernel does.

    A binary, or a script whose interpreter exists.
    """
    if found.host is None:
        return
    with found.host.open("rb") as file:
        head = file.read(_HEAD)
    if head.startswith(b"\x7fELF"):
        return
    if not head.startswith(b"#!"):
        raise NotExecutable(command, f"fork/exec {path}: exec format error")
    words = head[2:].split(b"\n", 1)[0].split()
    interpreter = view.find(words[0].decode(errors="replace")) if words else None
    if interpreter is not None and interpreter.status is None and not _is_hidden(interpreter):
        raise CommandNotFound(command, f"fork/exec {path}: no such file or directory")
