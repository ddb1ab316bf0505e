"""The ledger: what git's history tells of the deliveries to an environment.

The trailers of the newest delivery of a service are believed as long as the branch still names the image
that it wrote. Anything else is somebody's own commit, and nothing is known about it.
"""

from delivery.gitops.message import Move, Place, Record, read_message
from delivery.gitops.pins import Pin
from delivery.gitops.repository import Commit, Repository

DEEPEST = 3
"""How often the clone is made deeper to find a delivery."""


class Entry:
    """A delivery of one service, as its commit tells it."""

    def __init__(self, commit: Commit, record: Record, move: Move) -> None:
        self.commit, self.record, self.move = commit, record, move


class Ledger:
    """The deliveries to one environment, whose kustomization is at `path`."""

    def __init__(self, repository: Repository, environment: str, path: str) -> None:
        self._repository, self._environment, self._path = repository, environment, path

    def newest(self, name: str) -> Entry | None:
        """Find the newest delivery of a service, deep in the history if need be."""
        for _ in range(DEEPEST):
            for commit in self._repository.log(self._path):
                record = read_message(commit.message)
                if record is None or record.environment != self._environment:
                    continue
                move = record.of(name)
                if move is not None:
                    return Entry(commit, record, move)
            if not self._repository.deepen():
                break
        return None

    def author(self, name: str, pin: Pin | None) -> Entry | None:
        """Find the delivery that wrote what the branch pins now; None when it was somebody else."""
        entry = self.newest(name) if pin else None
        return entry if entry and entry.move.to.image == str(pin) else None


def place_of(pin: Pin | None, entry: Entry | None) -> Place | None:
    """Say what a pin means, with version and revision if a delivery wrote it."""
    if pin is None:
        return None
    return entry.move.to if entry else Place(str(pin))
