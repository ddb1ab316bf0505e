"""The blue-green applications of one release, each on its way in a thread of its own.

A release set shares a thread. What one of them comes to touches no other; the release asks what has
finished and what has failed, and begins nothing that comes after a failure.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from delivery.bluegreen.deliver import deliver
from delivery.bluegreen.machine import Machine
from delivery.errors import DeliveryError, RollbackError

Tell = Callable[[Sequence[Machine], str, Exception | None], None]
"""Called at the end of each set with its machines, what became of it, and what went wrong."""


class Fleet:
    """Machines by the name of their application, and the sets that they go in."""

    def __init__(
        self, machines: Mapping[str, Machine], sets: Mapping[str, str], tell: Tell
    ) -> None:
        self.machines, self._sets, self._tell = machines, sets, tell
        self._pool = ThreadPoolExecutor(max(1, len(machines)), thread_name_prefix="blue-green")
        self._begun: dict[tuple[str, ...], Future[str]] = {}
        self.outcomes: dict[str, str] = {}

    @property
    def running(self) -> bool:
        """Tell whether something is on its way."""
        return any(not future.done() for future in self._begun.values())

    def companions(self, name: str) -> tuple[str, ...]:
        """Name everything that is switched together with an application, itself included."""
        wanted = self._sets.get(name)
        return tuple(
            each
            for each in self.machines
            if each == name or (wanted and self._sets.get(each) == wanted)
        )

    def begin(self, names: Iterable[str]) -> list[str]:
        """Begin the sets that are named as a whole; return the names that were begun."""
        given, begun = set(names), list[str]()
        for name in sorted(given):
            crew = self.companions(name)
            if crew[0] == name and given.issuperset(crew):
                self._begun[crew] = self._pool.submit(self._deliver, crew)
                begun += crew
        return begun

    def done(self) -> set[str]:
        """Name what has come to a good end."""
        return {
            name
            for crew, future in self._begun.items()
            if future.done() and not future.exception()
            for name in crew
        }

    def failures(self) -> list[DeliveryError]:
        """List what went wrong, the gravest first; raise what is no matter of a release."""
        found = []
        for future in self._begun.values():
            error = future.exception() if future.done() else None
            if isinstance(error, DeliveryError):
                found.append(error)
            elif error is not None:
                raise error
        return sorted(found, key=lambda error: isinstance(error, RollbackError), reverse=True)

    def join(self) -> None:
        """Wait until everything that was begun has ended."""
        self._pool.shutdown(wait=True)

    def _deliver(self, crew: tuple[str, ...]) -> str:
        machines = [self.machines[name] for name in crew]
        try:
            outcome = deliver(machines)
        except Exception as error:
            self._tell(machines, "", error)
            raise
        self._tell(machines, outcome, None)
        self.outcomes |= dict.fromkeys(crew, outcome)
        return outcome
