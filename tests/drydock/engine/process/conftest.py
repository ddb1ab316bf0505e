"""An engine with one session, and a container that holds a static busybox."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from drydock.engine.engine import Engine
from drydock.engine.field import Call
from drydock.engine.lazy import Lazy
from drydock.engine.process.command import Command
from drydock.engine.session import Session
from drydock.engine.types.container import Container
from drydock.engine.types.container_exec import after
from drydock.runtime.state import StateDir

BUSYBOX = Path("/bin/busybox")
TOOLS = ("sh", "cat", "echo", "id", "env", "sleep", "wc", "true", "ls", "stat", "nc", "hostname")


@pytest.fixture
async def session(state: StateDir, tmp_path: Path) -> AsyncIterator[Session]:
    engine = Engine(state)
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "TOKEN": "token-of-env"}
    session = engine.open_session(tmp_path, environ)
    yield session
    await engine.close()


@pytest.fixture
async def box(session: Session) -> Container:
    """Return a container with busybox and two accounts."""
    store = session.engine.snapshots
    async with store.edit(store.empty) as edit:
        (edit.path / "bin").mkdir()
        (edit.path / "tmp").mkdir(mode=0o1777)
        (edit.path / "etc").mkdir()
        shutil.copy(BUSYBOX, edit.path / "bin" / "busybox")
        for tool in TOOLS:
            (edit.path / "bin" / tool).symlink_to("busybox")
        (edit.path / "etc" / "passwd").write_text(
            "root:x:0:0::/root:/bin/sh\nada:x:1001:1002::/home/ada:/bin/sh\n"
        )
        (edit.path / "etc" / "group").write_text("root:x:0:\nada:x:1002:\nextra:x:1003:ada\n")
        snapshot = await edit.commit()
    return Container(rootfs=Lazy.ready("busybox", snapshot))


class Shell:
    """Runs shell lines in containers, as `withExec` would."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._calls = 0

    def after(self, container: Container, *args: str, **settings: object) -> Container:
        """Return the container after a command."""
        self._calls += 1
        call = Call(
            session=self._session,
            client=self._session.client,
            runtime=self._session.engine,
            id=f"call-{self._calls}",
            parent_id="",
            type_name="Container",
            field_name="withExec",
            span=self._session.client.span,
        )
        return after(container, Command(args, **settings), call)  # type: ignore[arg-type]

    def sh(self, container: Container, line: str, **settings: object) -> Container:
        """Return the container after a shell line."""
        return self.after(container, "sh", "-c", line, **settings)

    async def stdout(self, container: Container, line: str, **settings: object) -> str:
        """Return what a shell line prints."""
        last = self.sh(container, line, **settings).last
        assert last is not None
        return (await last.get()).journal.stdout.decode()


@pytest.fixture
def shell(session: Session) -> Shell:
    return Shell(session)
