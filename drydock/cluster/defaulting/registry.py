"""Which function fills in which kind."""

from __future__ import annotations

from collections.abc import Callable

from drydock.cluster.errors import Obj

Defaults = Callable[[Obj], None]
_BY_RESOURCE: dict[str, Defaults] = {}


def defaults(resource: str) -> Callable[[Defaults], Defaults]:
    """Register the defaults of a resource (`deployments.apps`)."""

    def register(function: Defaults) -> Defaults:
        _BY_RESOURCE[resource] = function
        return function

    return register


def default(resource: str, obj: Obj) -> None:
    """Fill in an object, in place."""
    function = _BY_RESOURCE.get(resource)
    if function is not None:
        function(obj)
