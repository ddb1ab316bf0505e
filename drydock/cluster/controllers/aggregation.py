"""ClusterRoles that are made of others: those whose labels an `aggregationRule` selects.

Invariant: the rules of such a role are those of the selected ones, in the order of their names, each once.
"""

from __future__ import annotations

from typing import ClassVar

from drydock.cluster.client import Client
from drydock.cluster.controllers.controller import Controller
from drydock.cluster.controllers.informer import Cache
from drydock.cluster.controllers.meta import Key, is_deleting, key_of, labels_of, selects
from drydock.cluster.errors import Obj


class AggregationController(Controller):
    """Keeps the rules of every aggregated ClusterRole."""

    name: ClassVar[str] = "clusterrole-aggregation-controller"
    kind: ClassVar[str] = "rbac.authorization.k8s.io/v1/ClusterRole"
    workers: ClassVar[int] = 1

    def __init__(self, client: Client, cache: Cache) -> None:
        super().__init__(client, cache)
        self.primary.on_change(self._any_changed)

    async def sync(self, key: Key) -> None:
        """Collect the rules of one role."""
        role = self.primary.get(key)
        if role is None or is_deleting(role) or not role.get("aggregationRule"):
            return
        rules = self._collected(role)
        if rules == (role.get("rules") or []):
            return
        written = await self.client.patch(self.kind, None, key[1], {"rules": rules})
        self.primary.observe(written)

    def _collected(self, role: Obj) -> list[Obj]:
        found: list[Obj] = []
        others = sorted(self.primary.items(), key=key_of)
        for selector in role["aggregationRule"].get("clusterRoleSelectors") or []:
            for other in others:
                if key_of(other) != key_of(role) and selects(selector, labels_of(other)):
                    found += [rule for rule in other.get("rules") or [] if rule not in found]
        return found

    def _any_changed(self, old: Obj | None, new: Obj | None) -> None:
        if old is not None and new is not None and _gives(old) == _gives(new):
            return
        for role in self.primary.items():
            if role.get("aggregationRule"):
                self.queue.add(key_of(role))


def _gives(role: Obj) -> object:
    return labels_of(role), role.get("rules")
