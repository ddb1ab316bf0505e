"""Telling people what happens, on standard error; standard output is kept for the result."""

import sys


def say(line: str) -> None:
    """Write one line or block of progress."""
    sys.stderr.write(line.rstrip("\n") + "\n")
    sys.stderr.flush()
