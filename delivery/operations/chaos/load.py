"""Load on every service while an experiment lasts, as its users would send it."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from delivery.operations.chaos.lab import Lab
from delivery.prober import Load, Probe, running
from delivery.verify import PORT
from delivery.way import through_the_api

CONNECTIONS = 16


@contextmanager
def loaded(lab: Lab) -> Iterator[Mapping[str, Probe]]:
    """Send `rate` requests a second to each service; give the probes by its name."""
    with ExitStack() as stack:
        yield {
            target.service: stack.enter_context(
                running(
                    Load(
                        through_the_api(lab.cluster.socket, lab.namespace, target.service, PORT),
                        target.path,
                        lab.plan.chaos.rate,
                        connections=CONNECTIONS,
                    )
                )
            )
            for target in lab.targets
        }
