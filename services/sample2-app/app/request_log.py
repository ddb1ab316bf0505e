"""The line that each request leaves in the log."""

import logging
import time

from starlette.types import Message, Receive, Scope, Send

from app import probes
from app.middleware import HttpMiddleware, on_start

_log = logging.getLogger(__name__)


class RequestLog(HttpMiddleware):
    """Logs every request when it is answered; probes count as chatter."""

    async def http(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Time the request; one that breaks off before it is answered counts as a failure."""
        begun = time.perf_counter()
        status = 500

        def note(start: Message) -> None:
            nonlocal status
            status = start["status"]

        try:
            await self.app(scope, receive, on_start(send, note))
        finally:
            fields = {
                "method": scope["method"],
                "path": scope["path"],
                "status": status,
                "milliseconds": round((time.perf_counter() - begun) * 1000, 3),
            }
            _log.log(_level(scope["path"], status), "request", extra={"fields": fields})


def _level(path: str, status: int) -> int:
    if path in probes.PATHS:
        return logging.DEBUG
    return logging.ERROR if status >= 500 else logging.INFO
