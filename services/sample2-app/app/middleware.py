"""What all middleware here is made of: plain ASGI, which costs a request next to nothing."""

from abc import ABC, abstractmethod
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class HttpMiddleware(ABC):
    """Stands around an application; whatever is no HTTP request passes by."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        handle = self.http if scope["type"] == "http" else self.app
        await handle(scope, receive, send)

    @abstractmethod
    async def http(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request, mostly by calling `self.app`."""


def on_start(send: Send, act: Callable[[Message], None]) -> Send:
    """Make a `send` that shows an answer's start (status and headers) before it goes out."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            act(message)
        await send(message)

    return sending
