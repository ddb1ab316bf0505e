"""Users: requests to the ingress at a fixed rate, and one who watches which version answers."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from delivery.exchange import NoAnswerError, Target, ask
from delivery.prober import Load, Probe, running

RATE = 200.0
LOOK_SECONDS = 0.02
PATIENCE_SECONDS = 2.0


@contextmanager
def users(port: int, name: str, rate: float = RATE) -> Iterator[Probe]:
    """Keep requests up, each on a connection of its own, as long as the block lasts."""
    with running(Load(Target(host="127.0.0.1", port=port), f"/{name}/", rate)) as probe:
        time.sleep(1)
        yield probe
        time.sleep(1)


class Watcher:
    """Notes at which moment which version answered first."""

    def __init__(self, port: int, name: str) -> None:
        self._target, self._path = Target(host="127.0.0.1", port=port), f"/{name}/version"
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, name="watcher", daemon=True)
        self.seen: list[tuple[float, str]] = []

    def __enter__(self) -> Watcher:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def first(self, version: str, since: float) -> float:
        """Return the seconds from a moment to the first answer of a version; raise LookupError."""
        for at, answered in self.seen:
            if at >= since and answered == version:
                return at - since
        raise LookupError(f"{version} never answered; seen: {[each for _, each in self.seen][-5:]}")

    def _look(self) -> None:
        while not self._ended.wait(LOOK_SECONDS):
            try:
                text = ask(self._target, self._path, PATIENCE_SECONDS).text
            except NoAnswerError as error:
                text = str(error)
            self.seen.append((time.monotonic(), text))
