"""Stopping without dropping anybody: whether this process was told to stop, and what callers see.

Endpoints and ingress forget a pod some time after it was told to stop. Until then requests still
come; they are answered, and asked to come over another connection the next time.
"""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.middleware import HttpMiddleware, on_start


@dataclass
class Draining:
    """Whether this process was told to stop."""

    begun: bool = False


class CloseWhileDraining(HttpMiddleware):
    """Closes each connection after its answer while draining, so that callers move on."""

    def __init__(self, app: ASGIApp, draining: Draining) -> None:
        super().__init__(app)
        self._draining = draining

    async def http(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Decide when the answer starts, as that is what a long request needs."""

        def close(start: Message) -> None:
            if self._draining.begun:
                MutableHeaders(scope=start)["Connection"] = "close"

        await self.app(scope, receive, on_start(send, close))


async def _draining(request: Request) -> Draining:
    draining: Draining = request.app.state.draining
    return draining


CurrentDraining = Annotated[Draining, Depends(_draining)]
