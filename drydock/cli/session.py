"""`session`: hold a session open for a program, usually the SDK's `dagger.connection()`.

Prints where it is, as one line of JSON, and ends when standard input does. `--workdir` is where relative paths begin.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path

from drydock.cli.connection import Connection, QueryError
from drydock.cli.flags import Flag, FlagSet, HelpRequested, UsageError, switch, text
from drydock.cli.options import Options
from drydock.cli.progress import Plain, Reporter, Silent
from drydock.cli.verb import stop_on_term


def main(argv: list[str]) -> int:
    """Run the verb; return the exit code."""
    options = Options.of("session", os.environ)
    flags = FlagSet(
        [
            Flag("label", "label that identifies the source of this session", kind="strings",
                 parse=lambda text: [text], repeated=True),
            text("workdir", "where relative paths begin", default="."),
            text("project", "accepted for older clients"),
            text("version", "version of the client"),
            switch("load-workspace-modules", "load the module that is found upwards"),
            *options.inherited,
        ]
    )  # fmt: skip
    try:
        flags.parse(argv)
    except HelpRequested:
        sys.stdout.write("Hold a session open for a program; ends with standard input.\n")
        return 0
    except UsageError as error:
        sys.stderr.write(f"Error: {error}\nRun 'dagger session --help' for usage.\n")
        return 1
    workdir = flags.named("workdir")
    folder = Path(str(workdir.value) if workdir else ".").absolute()
    reporter: Reporter = Silent() if options.silent else Plain()
    wants_module = flags.named("load-workspace-modules")
    stop_on_term()
    try:
        with Connection(reporter, folder) as connection:
            if wants_module is not None and wants_module.value:
                _serve_module(connection)
            place = {"port": connection.port, "session_token": connection.token}
            sys.stdout.write(json.dumps(place, separators=(",", ":")) + "\n")
            sys.stdout.flush()
            _wait_for_end_of_input()
    except KeyboardInterrupt:
        return 0
    except (QueryError, OSError) as error:
        sys.stderr.write(f"Error: {error}\n")
        return 1
    except Exception as error:  # noqa: BLE001 - e.g. no engine could be started
        sys.stderr.write(f"Error: {type(error).__name__}: {error}\n")
        return 1
    return 0


def _serve_module(connection: Connection) -> None:
    connection.load("")


def _wait_for_end_of_input() -> None:
    """Read in a thread, so that a signal still reaches this one."""

    def drain() -> None:
        while os.read(0, 65536):
            pass

    reader = threading.Thread(target=drain, daemon=True)
    reader.start()
    reader.join()
