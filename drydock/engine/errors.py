"""What the API answers instead of data.

    EngineError            anything a query can run into; becomes one GraphQL error with HTTP 200
    +-- ExecError          a command failed: carries exit code and streams
    RequestError           the document itself is wrong (HTTP 422); from validation, never from resolvers

A lazily evaluated part marks its error (`at`), because a real engine then names the trace in the text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class EngineError(Exception):
    """A field could not be resolved; the text is what the client sees."""

    def __init__(
        self,
        message: str,
        extensions: Mapping[str, Any] | None = None,
        *,
        lazy: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.extensions = dict(extensions or {})
        self.lazy = lazy
        self.traceparent = ""

    @property
    def text(self) -> str:
        """Return the message as it goes to the client, with the trace for lazy errors."""
        if self.lazy and self.traceparent and "[traceparent:" not in self.message:
            return f"{self.message} [traceparent:{self.traceparent}]"
        return self.message

    def prefixed(self, prefix: str) -> EngineError:
        """Return a copy whose message begins with more; the original may be shared by several waiters."""
        copy = EngineError(f"{prefix}{self.message}", self.extensions, lazy=self.lazy)
        copy.traceparent = self.traceparent
        return copy

    def mark_lazy(self, traceparent: str) -> None:
        """Note that evaluation (not the call itself) failed; the innermost trace stays."""
        self.lazy = True
        self.traceparent = self.traceparent or traceparent


class ExecError(EngineError):
    """A command ended with an exit code that was not expected, or could not be started (-1)."""

    def __init__(
        self, message: str, *, cmd: Sequence[str], exit_code: int, stdout: str, stderr: str
    ) -> None:
        super().__init__(
            message,
            {
                "_type": "EXEC_ERROR",
                "cmd": list(cmd),
                "exitCode": exit_code,
                "stderr": stderr,
                "stdout": stdout,
            },
        )


class CoercionError(EngineError):
    """An argument's value does not fit; reported with the whole query and without a path."""


class RequestError(Exception):
    """The document cannot be executed: HTTP 422."""

    def __init__(
        self,
        message: str,
        code: str = "GRAPHQL_VALIDATION_FAILED",
        *,
        locations: Sequence[tuple[int, int]] = (),
        path: Sequence[str] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.locations = locations
        self.path = path

    def as_json(self) -> dict[str, Any]:
        """Return one entry of `errors`."""
        answer: dict[str, Any] = {"message": self.message}
        if self.path:
            answer["path"] = list(self.path)
        if self.locations:
            answer["locations"] = [{"line": line, "column": col} for line, col in self.locations]
        return answer | {"extensions": {"code": self.code}}
