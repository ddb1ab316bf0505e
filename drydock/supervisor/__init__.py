"""The machine: registry, engine and cluster as three supervised processes of this host.

`drydock start`, `stop` and `status` call this room. Its invariant: whoever holds the lock file of a state directory is
the one supervisor of it, and nothing that it started outlives it, also when it is killed.
"""

from drydock.supervisor import doctor, user_defaults
from drydock.supervisor.address_book import Machine, Ports, Running
from drydock.supervisor.lifecycle import MachineError, start, status, stop

__all__ = [
    "Machine",
    "MachineError",
    "Ports",
    "Running",
    "doctor",
    "start",
    "status",
    "stop",
    "user_defaults",
]
