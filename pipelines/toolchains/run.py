"""Running a tool to its end and taking what it said.

A tool runs with `expect=ANY`, so that its no is an answer (and is cached like one), and below
`timeout`, so that it ends. What prepares a container keeps the default expectation: a download that
failed is no answer and is tried again the next time.
"""

import os
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

import dagger

TOOL_SECONDS = 600
TIMED_OUT = 124
KILLED = (TIMED_OUT, 137, 143)
"""Exit codes of what did not come to its end; they say nothing about what was asked."""
_TRACE = re.compile(r" \[traceparent:[0-9a-f-]+\]")


@dataclass(frozen=True)
class Ran:
    """A command that ended: its exit code, both streams as they came, and what it left behind."""

    exit_code: int
    output: str
    container: dagger.Container


def bounded(args: Sequence[str], seconds: int = TOOL_SECONDS, signal: str = "KILL") -> list[str]:
    """Let a command end: by the signal when its time is over, and ten seconds later in any case."""
    return ["timeout", f"--signal={signal}", "--kill-after=10", str(seconds), *args]


async def run(
    container: dagger.Container,
    args: list[str],
    *,
    seconds: int = TOOL_SECONDS,
    signal: str = "KILL",
) -> Ran:
    """Run one tool; one that was killed has its signal's exit code.

    What takes too long is killed, as no engine caches the end of a process by a signal: a machine that was
    busy for a while must not answer for ever. With the signal `TERM` a tool may end in order first.
    """
    done = container.with_exec(bounded(args, seconds, signal), expect=dagger.ReturnType.ANY)
    try:
        code = await done.exit_code()
        output = await done.combined_output()
    except dagger.ExecError as error:
        told = f"it was killed: its {seconds} seconds were over, or memory ran out"
        why = f"\n{shlex.join(args)}: {told}\n" if error.exit_code in KILLED else ""
        return Ran(error.exit_code, explain(error) + why, container)
    if code == TIMED_OUT:
        output += f"\n{shlex.join(args)} did not end within {seconds} seconds\n"
    return Ran(code, output, done)


def explain(error: Exception) -> str:
    """Tell an error of the engine the way people read it: no trace ids, with what was written."""
    text = _TRACE.sub("", str(error))
    if isinstance(error, dagger.ExecError):
        streams = [part for part in (error.stdout.strip(), error.stderr.strip()) if part]
        return "\n".join([f"{shlex.join(error.command)}: {text}", *streams])
    return text


def nonce() -> str:
    """Make a value that no earlier run had, for what must never be answered from a cache."""
    return os.urandom(12).hex()
