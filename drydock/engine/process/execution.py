"""Runs one command and says what it left: the way from `withExec` to a result.

    key known and result kept -> answer from the store
    otherwise -> sandbox -> run (streams scrubbed, shown, journalled) -> keep files and result | ExecError

A result is stored only if the command's expectation accepts it. Equal commands under way are joined by the caller (`Lazy`).
"""

from __future__ import annotations

import secrets
import shlex
from contextlib import ExitStack
from pathlib import Path
from typing import IO, TYPE_CHECKING

from drydock.engine.errors import EngineError, ExecError
from drydock.engine.process.command import Command
from drydock.engine.process.environment import engine_environment, nested_session
from drydock.engine.process.journal import STDERR, STDOUT, Journal
from drydock.engine.process.outcome import cut
from drydock.engine.process.output import Output
from drydock.engine.process.results import Executed, ResultStore
from drydock.engine.process.sandbox import Sandbox, open_sandbox, setup_error
from drydock.engine.process.service import SessionServices
from drydock.runtime.errors import CommandNotFound, NotExecutable, SetupFailed

if TYPE_CHECKING:
    from drydock.engine.field import Call
    from drydock.engine.session import Session
    from drydock.engine.trace import Span
    from drydock.engine.types.container import Container

_NAME_LENGTH = 12


async def execute(container: Container, command: Command, call: Call, key: str) -> Executed:
    """Return the result of a command in a container; ExecError if it did not end as expected."""
    session = call.session
    results = ResultStore(session.engine.state, session.engine.snapshots)
    kept = await results.get(key)
    if kept is not None:
        return kept
    span = call.span.child(f"withExec {shlex.join(command.args)}", "Container.withExec")
    with span.active():
        result = await _run(session, container, command, key, span)
        accepted = command.expect.accepts(result.exit_code)
        if not accepted:
            # Without a message: whoever asked for the result shows it.
            span.status = "error"
    if not accepted:
        raise _failure(command, result)
    await results.put(key, result)
    return result


async def _run(
    session: Session, container: Container, command: Command, key: str, span: Span
) -> Executed:
    services = session.part(SessionServices)
    journal = Journal()
    name = key[:_NAME_LENGTH]
    async with (
        services.bound(container.services) as hosts,
        open_sandbox(
            session,
            container,
            command,
            name=name,
            hosts=hosts,
            env=engine_environment(session, span),
            slot=not command.nested,
        ) as sandbox,
        nested_session(session, sandbox, command) as sandbox,
    ):
        with ExitStack() as files:
            stdin = _stdin(sandbox, command)
            out = files.enter_context(_output(sandbox, command, journal, STDOUT, span))
            err = files.enter_context(_output(sandbox, command, journal, STDERR, span))
            exit_code = await _process(session, sandbox, command, stdin, out, err)
        rootfs, mounts = await sandbox.keep()
    return Executed(rootfs, mounts, exit_code, journal)


async def _process(
    session: Session, sandbox: Sandbox, command: Command, stdin: bytes, out: Output, err: Output
) -> int:
    sandbox.make_workdir()
    try:
        return await session.engine.runner.run(
            sandbox.edit.path, sandbox.spec, stdin=stdin, stdout=out.write, stderr=err.write
        )
    except (CommandNotFound, NotExecutable) as error:
        # What the real engine's init process prints before it ends with code 1.
        err.write(f"{error}\n".encode())
        return 1
    except SetupFailed as error:
        raise setup_error(str(error), command) from error


def _failure(command: Command, result: Executed) -> ExecError:
    return ExecError(
        f"exit code: {result.exit_code}",
        cmd=command.args,
        exit_code=result.exit_code,
        stdout=cut(result.journal.stdout).strip(),
        stderr=cut(result.journal.stderr).strip(),
    )


# ---------------------------------------------------------------- redirections


def _stdin(sandbox: Sandbox, command: Command) -> bytes:
    if not command.redirect_stdin:
        return command.stdin.encode()
    path, source = _redirected(sandbox, command.redirect_stdin)
    try:
        return source.read_bytes()
    except OSError as error:
        raise _redirect_error("stdin", path, error, command) from error


def _output(
    sandbox: Sandbox, command: Command, journal: Journal, stream: int, span: Span
) -> Output:
    name, wanted = {
        STDOUT: ("stdout", command.redirect_stdout),
        STDERR: ("stderr", command.redirect_stderr),
    }[stream]
    copy: IO[bytes] | None = None
    if wanted:
        path, target = _redirected(sandbox, wanted)
        try:
            copy = target.open("wb", buffering=0)
        except OSError as error:
            raise _redirect_error(name, path, error, command) from error

    def show(text: str) -> None:
        span.log(text, name)

    return Output(sandbox.scrubber(), journal, stream, show, copy)


def _redirected(sandbox: Sandbox, wanted: str) -> tuple[str, Path]:
    """Return a redirection's path in the container, absolute, and on the host."""
    found = sandbox.view.find(wanted, sandbox.spec.cwd)
    if found.host is None:
        raise EngineError(
            f"cannot redirect to {wanted}: it lies in memory that only the command sees"
        )
    return found.inside, found.host


def _redirect_error(stream: str, path: str, error: OSError, command: Command) -> ExecError:
    # A real engine names the path under the temporary directory where it mounted the container.
    mounted = f"/tmp/{secrets.token_hex(5)}{path}"  # noqa: S108 - only a text
    reason = (error.strerror or str(error)).lower()
    return setup_error(f"open redirect {stream} file: open {mounted}: {reason}", command)
