"""The `drydock` command: Dagger's verbs and those of the machine.

`main` finds the verb and hands over to its file, which is imported only then: a command that is needed a hundred times a
day starts as fast as Python does. Dagger's verbs print what `dagger` prints, program name included, so that people and
scripts read the same on both.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

MACHINE = ("start", "stop", "status", "doctor", "prune")
_VALUED = {"-m", "--mod", "--progress", "--lock", "--interactive-command", "--x-release"}
_ABOUT = {
    "call": "Call one or more functions, interconnected into a pipeline",
    "functions": "List available functions",
    "check": "Run the checks of a module",
    "generate": "Run the generators of a module and apply what they change",
    "up": "Start the services of a module",
    "query": "Send API queries",
    "run": "Run a command with a session in its environment",
    "session": "Hold a session open for a program",
    "config": "Show the settings of a module",
    "version": "Print the version",
    "start": "Start the local registry, cluster and engine",
    "stop": "Stop what start started",
    "status": "Show what runs and where",
    "doctor": "Say what this machine lacks",
    "prune": "Remove caches that were not used lately",
}


def main(argv: list[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    before, verb, behind = _split(words)
    if verb is None:
        wants_help = not before or any(word in {"-h", "--help"} for word in before)
        if wants_help:
            sys.stdout.write(_help())
            return 0
        sys.stderr.write(f"Error: unknown flag: {before[0]}\nRun 'dagger --help' for usage.\n")
        return 1
    if verb == "help":
        sys.stdout.write(_help())
        return 0
    if verb in MACHINE:
        from drydock.cli import machine

        return machine.main(verb, [*before, *behind])
    run = _verbs().get(verb)
    if run is None:
        sys.stderr.write(f'Error: unknown command "{verb}" for "dagger"\n')
        sys.stderr.write("Run 'dagger --help' for usage.\n")
        return 1
    return run([*before, *behind])


def _split(words: list[str]) -> tuple[list[str], str | None, list[str]]:
    """Return the flags before the verb, the verb, and everything behind it."""
    position = 0
    while position < len(words) and words[position].startswith("-"):
        position += 2 if words[position] in _VALUED else 1
    if position >= len(words):
        return words, None, []
    return words[:position], words[position], words[position + 1 :]


def _verbs() -> dict[str, Callable[[list[str]], int]]:
    def call(argv: list[str]) -> int:
        from drydock.cli import call as verb

        return verb.main(argv)

    def functions(argv: list[str]) -> int:
        from drydock.cli import functions as verb

        return verb.main(argv)

    def session(argv: list[str]) -> int:
        from drydock.cli import session as verb

        return verb.main(argv)

    def query(argv: list[str]) -> int:
        from drydock.cli import query as verb

        return verb.main(argv)

    def config(argv: list[str]) -> int:
        from drydock.cli import query as verb

        return verb.config(argv)

    def run(argv: list[str]) -> int:
        from drydock.cli import run as verb

        return verb.main(argv)

    def group(name: str) -> Callable[[list[str]], int]:
        def start(argv: list[str]) -> int:
            from drydock.cli import checks as verb

            return verb.main(name, argv)

        return start

    return {
        "call": call,
        "functions": functions,
        "check": group("check"),
        "generate": group("generate"),
        "up": group("up"),
        "session": session,
        "query": query,
        "run": run,
        "config": config,
        "version": _version,
    }


def _version(_argv: list[str]) -> int:
    from drydock.engine.client import running_engine

    control = running_engine()
    where = f"unix://{control}" if control else "private"
    sys.stdout.write(f"dagger v0.21.11 ({where}) linux/{_architecture()}\n")
    return 0


def _architecture() -> str:
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)


def _help() -> str:
    from drydock.cli.usage import bold

    column = max(len(name) for name in _ABOUT) + 3
    lines = [f"  {name:<{column}}{text}" for name, text in _ABOUT.items()]
    return "\n".join(
        [
            "CI/CD pipelines in containers, on a machine that has nothing else.",
            "",
            bold("USAGE"),
            "  drydock [options] <command>",
            "",
            bold("COMMANDS"),
            *lines,
            "",
            'Use "drydock [command] --help" for more information about a command.',
            "",
        ]
    )
