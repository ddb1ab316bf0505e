"""Stopping without dropping anybody: SIGTERM first takes the readiness away, later the worker.

Endpoints and ingress forget a pod some time after it was told to stop. Until then requests still
come, so the worker goes on answering for a while and only then finishes what is under way.
"""

import logging
import signal
import threading
import time
from dataclasses import dataclass
from types import FrameType
from typing import Protocol

from flask import Flask

_EXTENSION = "draining"
_log = logging.getLogger(__name__)


@dataclass
class Draining:
    """Whether this process was told to stop."""

    begun: bool = False


class Worker(Protocol):
    """What is needed of gunicorn's worker."""

    wsgi: Flask

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop accepting, finish what is under way, end."""


def register(app: Flask) -> Draining:
    """Give an application its state, where `on_sigterm` finds it."""
    state = Draining()
    app.extensions[_EXTENSION] = state
    return state


def on_sigterm(worker: Worker, seconds: float) -> None:
    """Make SIGTERM drain a worker for that many seconds before it stops it.

    Callers who keep their connections open are sent away by gunicorn itself, which lets a stopping
    worker answer on them a little longer, each time with `Connection: close`.
    """
    state: Draining = worker.wsgi.extensions[_EXTENSION]

    def drain(number: int, frame: FrameType | None) -> None:
        _log.info("draining", extra={"fields": {"seconds": seconds}})
        time.sleep(seconds)
        worker.handle_exit(number, frame)

    def told_to_stop(number: int, frame: FrameType | None) -> None:
        if not state.begun:
            state.begun = True
            threading.Thread(target=drain, args=(number, frame), daemon=True).start()

    signal.signal(signal.SIGTERM, told_to_stop)
    signal.siginterrupt(signal.SIGTERM, False)
