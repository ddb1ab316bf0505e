"""Everything a command needs around it: files, mounts, identity, variables, services, network.

`open_sandbox` is used by `execution` for commands that end and by `service` for those that stay. What it prepares is taken
down at the end of its context, in whatever way that comes; only `keep` makes changes of files last.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from drydock.engine.errors import EngineError, ExecError
from drydock.engine.process.command import Command
from drydock.engine.process.config import DEFAULT_PATH
from drydock.engine.process.endpoints import SessionEndpoints
from drydock.engine.process.mounting import Mounted, mount_all, open_volumes
from drydock.engine.process.mounts import SecretMount, TreeMount
from drydock.engine.process.scrub import Scrubber
from drydock.engine.process.secret_store import SessionSecrets
from drydock.runtime.errors import SetupFailed
from drydock.runtime.process import ProcessSpec
from drydock.runtime.rootview import RootView
from drydock.runtime.snapshot import Edit, Snapshot
from drydock.runtime.users import Account, resolve_account

if TYPE_CHECKING:
    from drydock.engine.session import Session
    from drydock.engine.types.container import Container
    from drydock.runtime.network import Endpoint

_FOLDER_MODE = 0o755


@dataclass
class Sandbox:
    """A prepared place to run one command in."""

    edit: Edit
    spec: ProcessSpec
    endpoint: Endpoint
    view: RootView  # the container's paths on the host, mounts included
    secrets: tuple[bytes, ...]
    mounted: Mounted

    def scrubber(self) -> Scrubber:
        """Return a filter for one stream of the command."""
        return Scrubber(self.secrets)

    async def keep(self) -> tuple[Snapshot, tuple[Snapshot | None, ...]]:
        """Make what the command wrote last; return the container's files and those of its mounts."""
        rootfs = await self.edit.commit()
        mounts = [None if edit is None else await edit.commit() for edit in self.mounted.edits]
        return rootfs, tuple(mounts)

    def make_workdir(self) -> None:
        """Make the working directory (mode 0755) if it is not there. Blocking."""
        found = self.view.find(self.spec.cwd)
        if found.status is None and found.host is not None:
            _make_folders(found.host)


@dataclass(frozen=True)
class _Inputs:
    """What a sandbox depends on, evaluated."""

    rootfs: Snapshot
    trees: Mapping[str, Snapshot]  # by target
    files: Mapping[str, bytes]  # mounted secrets by target
    variables: Mapping[str, bytes]  # secret variables


@asynccontextmanager
async def open_sandbox(
    session: Session,
    container: Container,
    command: Command,
    *,
    name: str,
    hosts: Mapping[str, str],
    env: Mapping[str, str],
    slot: bool = True,
) -> AsyncIterator[Sandbox]:
    """Prepare a sandbox; `name` becomes the host name, `env` are the engine's own variables.

    `slot`: wait for one of the engine's places for commands. ExecError (-1) if the container cannot be set up as it says.
    """
    engine = session.engine
    # What this depends on runs first, so that a command waits for no other while it holds a slot.
    inputs = await _evaluate(container, session.part(SessionSecrets))
    async with AsyncExitStack() as stack:
        volumes = await open_volumes(stack, session, container.mounts, inputs.rootfs)
        if slot:
            await stack.enter_async_context(engine.exec_slots)
        edit = await stack.enter_async_context(engine.snapshots.edit(inputs.rootfs))
        mounted = await mount_all(
            stack, session, container.mounts, inputs.trees, volumes, inputs.files, edit.path
        )
        account = await asyncio.to_thread(_account, RootView(edit.path), container, command)
        endpoints = session.part(SessionEndpoints)
        endpoint = await endpoints.take(fresh=not slot)
        stack.callback(endpoints.give_back, endpoint, spoiled=not slot or command.privileged)
        spec = ProcessSpec(
            args=command.args,
            env=_environment(container, account, inputs.variables, env),
            cwd=container.config.workdir or "/",
            user=account.user,
            mounts=tuple(mounted.mounts),
            privileged=command.privileged,
            hostname=name,
            hosts=hosts,
            network=endpoint,
            init=command.init,
        )
        secrets = (*inputs.files.values(), *inputs.variables.values())
        view = RootView(edit.path, mounted.mounts)
        yield Sandbox(edit, spec, endpoint, view, secrets, mounted)


def setup_error(message: str, command: Command) -> ExecError:
    """Return the error of a command that could not be started."""
    return ExecError(message, cmd=command.args, exit_code=-1, stdout="", stderr="")


async def _evaluate(container: Container, secrets: SessionSecrets) -> _Inputs:
    trees = [mount for mount in container.mounts if isinstance(mount, TreeMount)]
    files = [mount for mount in container.mounts if isinstance(mount, SecretMount)]
    rootfs, snapshots, values, variables = await asyncio.gather(
        container.rootfs.get(),
        asyncio.gather(*(mount.source.tree.get() for mount in trees)),
        asyncio.gather(*(secrets.plaintext(mount.secret) for mount in files)),
        asyncio.gather(*(secrets.plaintext(secret) for _, secret in container.secret_variables)),
    )
    names = [name for name, _ in container.secret_variables]
    return _Inputs(
        rootfs,
        {mount.target: tree for mount, tree in zip(trees, snapshots, strict=True)},
        {mount.target: value for mount, value in zip(files, values, strict=True)},
        dict(zip(names, variables, strict=True)),
    )


def _account(view: RootView, container: Container, command: Command) -> Account:
    try:
        return resolve_account(view, container.config.user)
    except SetupFailed as error:
        raise setup_error(f"get user: {error}", command) from error


def _environment(
    container: Container,
    account: Account,
    secrets: Mapping[str, bytes],
    more: Mapping[str, str],
) -> dict[str, str]:
    env = container.config.variables()
    env.update(container.volatile_variables)
    env.update({name: os.fsdecode(value) for name, value in secrets.items()})
    env.setdefault("PATH", DEFAULT_PATH)
    env.setdefault("HOME", account.home)
    if "\0" in "".join(env.values()):
        raise EngineError("a variable's value holds a NUL character, which no process can receive")
    return {**more, **env}


def _make_folders(folder: Path) -> None:
    """Make a folder and its parents, with the usual mode whatever the umask is."""
    missing = []
    here = folder
    while not os.path.lexists(here):
        missing.append(here)
        here = here.parent
    for path in reversed(missing):
        path.mkdir()
        path.chmod(_FOLDER_MODE)
