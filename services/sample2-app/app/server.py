"""uvicorn, taught to drain: SIGTERM first takes the readiness away, later the process.

One process serves all requests: a pod may use a fifth of a core, and replicas bring more.
"""

import asyncio
import logging
import signal
from types import FrameType

import uvicorn
from fastapi import FastAPI

from app import logs
from app.draining import Draining
from app.settings import Settings

IN_FLIGHT_SECONDS = 20
_log = logging.getLogger(__name__)


class DrainingServer(uvicorn.Server):
    """Goes on serving for a while after SIGTERM; Ctrl-C ends it at once, as usual."""

    def __init__(self, config: uvicorn.Config, draining: Draining, seconds: float) -> None:
        super().__init__(config)
        self._draining = draining
        self._seconds = seconds

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take a signal; called in the thread that runs the event loop, between any two steps."""
        if sig == signal.SIGTERM:
            asyncio.get_running_loop().call_soon_threadsafe(self._drain)
        else:
            super().handle_exit(sig, frame)

    def _drain(self) -> None:
        if not self._draining.begun:
            self._draining.begun = True
            _log.info("draining", extra={"fields": {"seconds": self._seconds}})
            asyncio.get_running_loop().call_later(self._seconds, self._stop)

    def _stop(self) -> None:
        self.should_exit = True


def serve(app: FastAPI, settings: Settings) -> None:
    """Serve an application until a signal ends it; return when all is answered."""
    config = uvicorn.Config(
        app,
        # A container is reached from outside, or not at all.
        host="0.0.0.0",  # nosec B104
        port=settings.port,
        loop="asyncio",
        http="h11",
        ws="none",
        lifespan="off",
        access_log=False,
        server_header=False,
        log_config=logs.configuration(settings.log_level),
        timeout_graceful_shutdown=IN_FLIGHT_SECONDS,
    )
    started = {"environment": settings.app_env, "version": settings.app_version}
    _log.info("starting", extra={"fields": started})
    DrainingServer(config, app.state.draining, settings.drain_seconds).run()
