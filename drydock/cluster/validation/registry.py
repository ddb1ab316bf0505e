"""Which rules belong to which kind."""

from __future__ import annotations

from collections.abc import Callable

from drydock.cluster.errors import Cause, Obj

Rule = Callable[[Obj], list[Cause]]
Update = Callable[[Obj, Obj], list[Cause]]
KINDS: dict[str, Rule] = {}
UPDATES: dict[str, Update] = {}


def rule(*resources: str) -> Callable[[Rule], Rule]:
    """Register what every state of a kind must meet."""

    def register(function: Rule) -> Rule:
        for resource in resources:
            KINDS[resource] = function
        return function

    return register


def update_rule(*resources: str) -> Callable[[Update], Update]:
    """Register what a change of a kind must meet, called with the new and the old object."""

    def register(function: Update) -> Update:
        for resource in resources:
            UPDATES[resource] = function
        return function

    return register
