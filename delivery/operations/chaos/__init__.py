"""Chaos: experiments on an environment, each in its file; `run` makes those that a plan names.

They are made in a `lab`, which knows what serves users and whether it is whole, under `load`, and come to an
`outcome` for each service.
"""

from delivery.operations.chaos.run import chaos

__all__ = ["chaos"]
