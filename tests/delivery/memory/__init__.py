"""A small API server in memory, with the controllers that a delivery waits for, in a time of its own.

It stands at the one seam that the delivery has, `delivery.cluster.Cluster`, and keeps what a release
depends on: resource versions and conflicts, generations, field ownership of server-side apply, immutable
selectors, preconditions of deletions, replica sets, pods that take time, and slices that lag.
"""

from tests.delivery.memory.client import Killed, MemoryCluster
from tests.delivery.memory.world import VirtualClock, World

__all__ = ["Killed", "MemoryCluster", "VirtualClock", "World"]
