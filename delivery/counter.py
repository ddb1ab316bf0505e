"""The drop counter: what a prober that asks all along saw of a switch, a rollout, or the way back."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from delivery.cluster import Cluster
from delivery.gate import Subject
from delivery.prober import Probe, probing
from delivery.sample import Sample


@dataclass(frozen=True)
class Watched:
    """What is asked of one service: `rate` requests a second for a path, its health when that is empty."""

    subject: Subject
    rate: float
    path: str = ""


@contextmanager
def counting(cluster: Cluster, services: Mapping[str, Watched]) -> Iterator[dict[str, Sample]]:
    """Ask services until the block ends; then the samples stand in what was given, by their names.

    They are taken when the last request has been answered, so that none that was due is missing.
    """
    samples: dict[str, Sample] = {}
    probes: dict[str, Probe] = {}
    try:
        with ExitStack() as stack:
            for name, each in services.items():
                load = probing(cluster, each.subject, each.rate, each.path)
                probes[name] = stack.enter_context(load)
            yield samples
    finally:
        samples |= {name: probe.sample() for name, probe in probes.items()}


def told(name: str, sample: Sample | None) -> list[str]:
    """Write what was counted in a line; none when nothing was."""
    if sample is None:
        return []
    line = f"{name}: {sample.sent} requests sent meanwhile, {sample.failed} failed, p99 {sample.p99_ms:.0f} ms"
    if sample.failed:
        line += f"; the first with {sample.first_failure}"
    if sample.unmeasured:
        line += f" ({sample.unmeasured} more did not get as far as the service)"
    return [line]
