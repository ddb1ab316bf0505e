"""Fetching from networks: what a container needs so that a moment without one fails no run."""

import dagger

from pipelines.programs import program

AGAIN = "/programs/again.sh"
"""Put before a command that only fetches: it is run again, a bounded number of times, when the network fails it."""


def fetching(container: dagger.Container) -> dagger.Container:
    """Let a container fetch; AGAIN then stands in it."""
    return container.with_new_file(AGAIN, program("again.sh"), permissions=0o755)
