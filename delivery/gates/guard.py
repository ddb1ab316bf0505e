"""What surrounds every gate: it ends in time, it never raises, and it is asked again where that helps.

The gate works in a thread of its own. When it gives no verdict in time it is left behind with a word to stop, and
the verdict is ERROR. The time is that in which this program could work: what it was late itself does not count.
FAIL is final: only what could not be found out is asked for again.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from delivery.cluster import Cluster
from delivery.gate import Gate, Policy, Result, Subject, Verdict
from delivery.lateness import Lateness

LOOK_SECONDS = 0.25
MARGIN_SECONDS = 5.0
UNKNOWN = frozenset({Result.ERROR, Result.NO_DATA})


class BoundedGate(Gate, Protocol):
    """A gate that says how long a verdict takes at most."""

    @property
    def bound_seconds(self) -> float:
        """Bound a verdict in seconds, as long as the cluster answers."""
        ...


@dataclass(frozen=True)
class Retry:
    """How often to ask again when nothing could be found out, and after which pause."""

    times: int = 0
    pause_seconds: float = 1.0


class _LeftBehind(Exception):  # noqa: N818  a word to stop, not a defect
    """Told to a gate whose verdict nobody waits for any more."""


@dataclass(frozen=True)
class Guarded:
    """A gate that keeps the promises of the protocol."""

    gate: BoundedGate
    retry: Retry
    margin: float = MARGIN_SECONDS

    @property
    def name(self) -> str:
        """The gate's name."""
        return self.gate.name

    @property
    def policy(self) -> Policy:
        """The gate's policy."""
        return self.gate.policy

    def judge(self, cluster: Cluster, subject: Subject, alive: Callable[[], None]) -> Verdict:
        """Give the gate's verdict, or ERROR."""
        verdict = self._once(cluster, subject, alive)
        for _ in range(self.retry.times):
            if verdict.result not in UNKNOWN:
                break
            _wait(self.retry.pause_seconds, alive)
            verdict = self._once(cluster, subject, alive)
        return verdict

    def _once(self, cluster: Cluster, subject: Subject, alive: Callable[[], None]) -> Verdict:
        left = threading.Event()
        verdicts: list[Verdict] = []

        def go_on() -> None:
            if left.is_set():
                raise _LeftBehind

        def work() -> None:
            try:
                verdicts.append(self.gate.judge(cluster, subject, go_on))
            except _LeftBehind:
                return
            except Exception as error:  # noqa: BLE001  whatever a cluster answers, a gate tells it
                told = f"{type(error).__name__}: {error}"
                verdicts.append(Verdict(self.name, Result.ERROR, told))

        seconds = self.gate.bound_seconds + self.margin
        thread = threading.Thread(target=work, name=f"gate-{self.name}", daemon=True)
        with Lateness() as lateness:
            begun = time.monotonic()
            thread.start()
            try:
                while thread.is_alive() and lateness.worked(begun) < seconds:
                    alive()
                    thread.join(LOOK_SECONDS)
            finally:
                left.set()
        if verdicts:
            return verdicts[0]
        return Verdict(self.name, Result.ERROR, f"no verdict within {seconds:g} s")


def _wait(seconds: float, alive: Callable[[], None]) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        alive()
        time.sleep(min(LOOK_SECONDS, left))
