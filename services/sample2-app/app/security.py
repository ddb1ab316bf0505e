"""Headers that tell browsers to do nothing with an answer but to hand it to the caller."""

from starlette.datastructures import MutableHeaders
from starlette.types import Message, Receive, Scope, Send

from app.middleware import HttpMiddleware, on_start

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}


class SecurityHeaders(HttpMiddleware):
    """Puts the headers on every answer, errors included."""

    async def http(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add them when the answer starts."""
        await self.app(scope, receive, on_start(send, _secure))


def _secure(start: Message) -> None:
    MutableHeaders(scope=start).update(HEADERS)
