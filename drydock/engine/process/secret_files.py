"""Secrets as files: in memory only, gone with the command, and with the engine's mount namespace at the latest.

A file system in memory is mounted inside the engine's private mount namespace, so neither the disk nor the host's other
processes ever see what is in it.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from drydock.runtime.syscalls import mount, unmount

if TYPE_CHECKING:
    from drydock.engine.session import Session

_OPTIONS = "mode=0700,size=64m"


class SecretFolder:
    """The file system that holds the values of a session's mounted secrets; mounted at the first use."""

    def __init__(self, session: Session) -> None:
        self._state = session.engine.state
        self._folder: Path | None = None
        session.on_close(self.close)

    @contextmanager
    def file(self, value: bytes, mode: int, owner: tuple[int, int]) -> Iterator[Path]:
        """Yield a file that holds a value, for as long as the context lasts."""
        if self._folder is None:
            folder = self._state.fresh("secrets")
            mount("tmpfs", folder, "tmpfs", 0, _OPTIONS)
            self._folder = folder
        path = self._folder / secrets.token_hex(8)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(value)
            os.chown(path, *owner)
            path.chmod(mode)
            yield path
        finally:
            path.unlink()

    async def close(self) -> None:
        """Take the file system down."""
        if self._folder is not None:
            unmount(self._folder)
            self._folder = None
