"""Commands of containers: `withExec` and what the last command left."""

from __future__ import annotations

import itertools
from functools import partial

from drydock.engine.errors import EngineError
from drydock.engine.field import Call, field
from drydock.engine.lazy import Lazy, digest_of
from drydock.engine.process.command import Command, command_key
from drydock.engine.process.execution import execute
from drydock.engine.process.mounts import TreeMount, with_tree
from drydock.engine.process.outcome import Expectation, decode
from drydock.engine.process.results import Executed
from drydock.engine.process.secret_store import SessionSecrets
from drydock.engine.types.container import Container
from drydock.runtime.snapshot import Snapshot

_NUMBERS = itertools.count()


# Quiet: the command itself is shown when it runs, under the call that asked for it.
@field("Container.withExec", quiet=True)
async def with_exec(
    self: Container,
    call: Call,
    *,
    args: list[str],
    use_entrypoint: bool,
    stdin: str,
    redirect_stdin: str,
    redirect_stdout: str,
    redirect_stderr: str,
    expect: str | None,
    experimental_privileged_nesting: bool,
    insecure_root_capabilities: bool,
    expand: bool,
    no_init: bool,
) -> Container:
    """Return the container after a command, which runs when somebody needs its result."""
    if stdin and redirect_stdin:
        raise EngineError("cannot set both stdin and redirectStdin")
    command = Command(
        args=self.config.command(
            tuple(self.text(arg, expand=expand) for arg in args), use_entrypoint=use_entrypoint
        ),
        expect=Expectation(expect or "SUCCESS"),
        stdin=stdin,
        redirect_stdin=self.text(redirect_stdin, expand=expand),
        redirect_stdout=self.text(redirect_stdout, expand=expand),
        redirect_stderr=self.text(redirect_stderr, expand=expand),
        nested=experimental_privileged_nesting,
        privileged=insecure_root_capabilities,
        init=not no_init,
    )
    return after(self, command, call)


def after(container: Container, command: Command, call: Call) -> Container:
    """Return a container as a command will leave it."""
    # Found only once, and only when needed; one call may make several commands.
    key = Lazy.make(
        f"key:{call.id}:{next(_NUMBERS)}",
        partial(command_key, container, command, call.session.part(SessionSecrets)),
    )

    async def run() -> Executed:
        if not command.args:
            raise EngineError("no command has been set")
        return await execute(container, command, call, await key.get())

    last = Lazy.make(key.get, run)
    mounts = container.mounts
    for position, mount in enumerate(container.mounts):
        if isinstance(mount, TreeMount) and not mount.read_only:
            mounts = with_tree(mounts, mount, _part(last, position))
    return container.changed(rootfs=_part(last, None), mounts=mounts, last=last)


def _part(last: Lazy[Executed], position: int | None) -> Lazy[Snapshot]:
    """Return the files of a finished command: the container's own, or those of a mount."""

    async def key() -> str:
        return digest_of("after", await last.key(), position)

    async def get() -> Snapshot:
        result = await last.get()
        found = result.rootfs if position is None else result.mounts[position]
        if found is None:
            raise EngineError("the mounted files of this command were not kept")
        return found

    return Lazy.make(key, get)


async def _last(container: Container) -> Executed:
    if container.last is None:
        raise EngineError("no command has been set")
    return await container.last.get()


@field("Container.stdout")
async def stdout(self: Container, _: Call) -> str:
    """Return what the last command wrote to standard output."""
    return decode((await _last(self)).journal.stdout)


@field("Container.stderr")
async def stderr(self: Container, _: Call) -> str:
    """Return what the last command wrote to standard error."""
    return decode((await _last(self)).journal.stderr)


@field("Container.combinedOutput")
async def combined_output(self: Container, _: Call) -> str:
    """Return what the last command wrote, in the order it did."""
    return decode((await _last(self)).journal.combined)


@field("Container.exitCode")
async def exit_code(self: Container, _: Call) -> int:
    """Return the exit code of the last command."""
    return (await _last(self)).exit_code
