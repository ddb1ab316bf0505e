"""Chaos: experiments on an environment, each in its file; `run` makes those that a plan names.

lab       where they are made: what serves users, and whether it is whole
load      requests to every service meanwhile
outcome   what they came to
"""

from delivery.operations.chaos.run import chaos

__all__ = ["chaos"]
