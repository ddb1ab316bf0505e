"""How a command ended, and whether its caller accepts that.

An exit code of 128 to 191 means a signal ended the process (a shell reports its child so, too). No expectation
accepts it: a tool that was killed gave no result. Output that goes into an error is cut to what people read.
"""

from __future__ import annotations

from enum import Enum

# What of each stream an error carries, at most.
ERROR_OUTPUT_BYTES = 102_400

_SIGNALLED = range(128, 192)


class Expectation(Enum):
    """Which exit codes are no failure; the names are those of the schema's ReturnType."""

    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"
    ANY = "ANY"

    def accepts(self, exit_code: int) -> bool:
        """Tell whether a command that ended with this code did what its caller expects."""
        if exit_code in _SIGNALLED or exit_code < 0:
            return False
        match self:
            case Expectation.SUCCESS:
                return exit_code == 0
            case Expectation.FAILURE:
                return exit_code != 0
            case Expectation.ANY:
                return True


def cut(output: bytes, limit: int = ERROR_OUTPUT_BYTES) -> str:
    """Return the end of an output as text, with a note of how much is missing."""
    if len(output) <= limit:
        return decode(output)
    return f"[omitting {len(output) - limit} bytes]...{decode(output[-limit:])}"


def decode(output: bytes) -> str:
    """Return output as text; bytes that are no UTF-8 become U+FFFD."""
    return output.decode("utf-8", errors="replace")
