"""What every verb that talks to the engine has in common: options, progress, session, errors, exit codes.

A verb is a function that gets a `Run` and returns the text for standard output; `run_verb` does the rest. Text goes out
last, when the progress has been shown to its end.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from drydock.cli.arguments import ArgumentError
from drydock.cli.chain import CommandError, MissingArgumentError
from drydock.cli.changes import ResultError
from drydock.cli.connection import Connection, QueryError, RequestError
from drydock.cli.flags import FlagSet, HelpRequested, UsageError
from drydock.cli.options import Options, ProgressError
from drydock.cli.progress import Plain, Reporter, Silent, Steps
from drydock.cli.typedefs import Types

_STREAM_LIMIT = 102_400


@dataclass
class Run:
    """One run of a verb."""

    options: Options
    argv: list[str]
    connection: Connection
    reporter: Reporter
    exit_code: int = 0
    command: str = ""
    notes: list[str] = field(default_factory=list)  # written to standard error at the very end

    def load_module(self) -> tuple[Types, dict[str, Any]]:
        """Load the module that `-m` names or that is found upwards."""
        connection = self.connection
        if self.options.on("no-mod"):
            description: dict[str, Any] = {"module": None}
        else:
            try:
                description = connection.load(self.options.module)
            except QueryError as error:
                raise ModuleError(error) from error
        return Types.read(description, lambda name: connection.get(f"/types/{name}")), description


class ModuleError(Exception):
    """The module could not be loaded."""

    def __init__(self, error: QueryError) -> None:
        super().__init__(error.message)
        self.extensions = error.extensions


Verb = Callable[[Run], str]


def run_verb(name: str, argv: list[str], verb: Verb, *, positional: bool = False) -> int:
    """Run a verb; return the exit code. `positional` verbs get their words unparsed."""
    options = Options.of(name, os.environ)
    try:
        options.scan(argv)
        if not positional:
            options.forget()
            rest = FlagSet([*options.local, *options.inherited]).parse(argv)
            argv = rest
    except ProgressError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except UsageError as error:
        sys.stderr.write(f"Error: {error}\nRun 'dagger {name} --help' for usage.\n")
        return 1
    except HelpRequested:
        from drydock.cli.pages import verb_page

        sys.stdout.write(verb_page(name, options))
        return 0
    reporter = _reporter(options)
    stop_on_term()
    connection = Connection(reporter)
    run = Run(options, argv, connection, reporter)
    try:
        try:
            with connection:
                output = verb(run)
        finally:
            reporter.close()
    except KeyboardInterrupt:
        sys.stderr.write("Canceled.\n")
        return 1
    except HelpRequested as page:
        _write(str(page))
        return 0
    except Exception as error:  # noqa: BLE001 - the last place that can explain it
        return _explain(error, run)
    _write(output)
    lead = "\n" if run.options.silent and run.notes else ""
    sys.stderr.write(lead + "".join(f"{note}\n" for note in run.notes))
    return run.exit_code


def _reporter(options: Options) -> Reporter:
    if options.silent:
        return Silent()
    if options.progress in {"auto", "tty"} and sys.stderr.isatty():
        from drydock.cli.live import Live

        return Live()
    hold = options.verb == "call" and _has_user_defaults(options.module)
    return Plain(hold=hold, verbose=options.count("verbose") > 0 or options.on("debug"))


def _has_user_defaults(reference: str) -> bool:
    """Tell whether a `.env` counts for the module: what is used of it is told before all else."""
    here = Path(reference or ".").absolute()
    for folder in (here, *here.parents):
        if (folder / "dagger.json").is_file():
            caller = Path.cwd()
            places = (folder, caller, *caller.parents)
            return any((place / ".env").is_file() for place in places)
    return False


def _write(text: str) -> None:
    with suppress(BrokenPipeError):
        sys.stdout.write(text)
        sys.stdout.flush()


def stop_on_term() -> None:
    """Have SIGTERM and Ctrl-C end the session in order."""

    def stop(_signal: int, _frame: object) -> None:
        raise KeyboardInterrupt

    # Also where a shell started us in the background, with SIGINT ignored.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)


def _explain(error: Exception, run: Run) -> int:
    """Print an error as the real program does; return its exit code."""
    from drydock.engine.client import EngineUnavailable  # a good end does not pay for it

    trace = f"[traceparent:{run.connection.known_traceparent}]"
    lead = "\n" if run.options.silent else ""
    match error:
        case CommandError():
            _write(error.page)
            sys.stderr.write(
                f"{lead}Error: {error} {trace}\nRun '{error.command} --help' for usage.\n"
            )
            return 1
        case ArgumentError():
            sys.stderr.write(
                f"{lead}Error: {_traced(str(error), trace)}\n"
                f"Run '{_command(run)} --help' for usage.\n"
            )
            return 1
        case ModuleError():
            text = (
                f"query module objects: {error}" if run.options.verb not in _LISTING else str(error)
            )
            sys.stderr.write(f"{lead}Error: {_traced(text, trace)}\n")
            return 1
        case QueryError():
            sys.stderr.write(f"{lead}Error: {error}\n{_streams(error.extensions)}")
            return _exit_code(error.extensions)
        case UsageError():
            sys.stderr.write(
                f"{lead}Error: {error} {trace}\nRun '{_command(run)} --help' for usage.\n"
            )
            return 1
        case MissingArgumentError() | RequestError() | ResultError() | EngineUnavailable():
            sys.stderr.write(f"{lead}Error: {error}\n")
            return 1
    if run.options.on("debug"):
        raise error
    sys.stderr.write(f"{lead}Error: {type(error).__name__}: {error}\n")
    return 1


_LISTING = {"check", "generate", "up"}


def _command(run: Run) -> str:
    return run.command or f"dagger {run.options.verb}"


def _traced(text: str, trace: str) -> str:
    return text if "[traceparent:" in text else f"{text} {trace}"


def _exit_code(extensions: dict[str, Any]) -> int:
    code = extensions.get("exitCode") if extensions.get("_type") == "EXEC_ERROR" else None
    return code & 0xFF if isinstance(code, int) and code > 0 else 1


def _streams(extensions: dict[str, Any]) -> str:
    parts = []
    if extensions.get("_type") == "EXEC_ERROR":
        for title, key in (("Stdout", "stdout"), ("Stderr", "stderr")):
            text = str(extensions.get(key) or "").strip()[-_STREAM_LIMIT:]
            if text:
                parts.append(f"{title}:\n{text}\n")
    return "".join(parts)


def steps_of(run: Run) -> Steps:
    """Return the client's own steps."""
    return Steps(run.reporter)
