"""Where services stand: what the branch pins, which delivery wrote it, and what was seen working.

What to go back to is not what happens to be there: a delivery that was killed in the middle may have left a
release that nobody ever saw working. The Deployment's own mark tells (`delivery/revisions.py`).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from delivery.cluster import Cluster
from delivery.follow import get
from delivery.gitops.ledger import Entry, Ledger, place_of
from delivery.gitops.message import Place
from delivery.gitops.pins import Pin
from delivery.gitops.rendering import images_of
from delivery.revisions import GOOD, replica_sets


@dataclass(frozen=True)
class Standing:
    """Where one service stands. `author` is the delivery that wrote the pin; None when nobody of us did.

    `seen` are the images that a delivery last saw working, None when the cluster no longer knows.
    """

    pin: Pin | None
    author: Entry | None
    seen: frozenset[str] | None

    @property
    def settled(self) -> bool:
        """Whether what is pinned may be taken for good; what a person committed is."""
        return self.author is None or self.seen is None or str(self.pin) in self.seen

    @property
    def place(self) -> Place | None:
        """What is pinned."""
        return place_of(self.pin, self.author)

    @property
    def good(self) -> Place | None:
        """What to go back to when something new does not come up."""
        if self.author is None or self.settled:
            return self.place
        return self.author.move.before


def standings(
    cluster: Cluster, namespace: str, ledger: Ledger, pins: dict[str, Pin], names: Iterable[str]
) -> dict[str, Standing]:
    """Look where services stand; raise ApiError."""
    return {
        name: Standing(
            pins.get(name),
            ledger.author(name, pins.get(name)),
            _seen(cluster, namespace, name),
        )
        for name in names
    }


def _seen(cluster: Cluster, namespace: str, name: str) -> frozenset[str] | None:
    """List the images of the revision that is marked as good; none when there is no mark."""
    found = get(cluster, namespace, name)
    mark = (found["metadata"].get("annotations") or {}).get(GOOD) if found else ""
    if found is None or not mark:
        return frozenset()
    for replica_set in replica_sets(cluster, namespace, found):
        if replica_set["metadata"]["name"] == mark:
            return frozenset(
                images_of([{**replica_set, "kind": "Deployment", "metadata": {"name": name}}], name)
            )
    return None
