"""The id of a request: the caller's own or a new one; in its answer, its errors, its log lines."""

import re
import uuid
from contextvars import ContextVar

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import Message, Receive, Scope, Send

from app.middleware import HttpMiddleware, on_start

HEADER = "X-Request-ID"
_USABLE = re.compile(r"[\x20-\x7e]{1,128}")

current: ContextVar[str] = ContextVar("request_id", default="")
"""The id of the request that is being answered; empty when there is none."""


class RequestId(HttpMiddleware):
    """Gives every request an id and names it in the answer; a caller's usable one is kept."""

    async def http(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hold the id for as long as the request takes."""
        given = Headers(scope=scope).get(HEADER, "")
        chosen = given if _USABLE.fullmatch(given) else uuid.uuid4().hex

        def name(start: Message) -> None:
            MutableHeaders(scope=start)[HEADER] = chosen

        token = current.set(chosen)
        try:
            await self.app(scope, receive, on_start(send, name))
        finally:
            current.reset(token)
