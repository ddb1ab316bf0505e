"""What every part of the API works on: the store, the table of kinds, the shapes, the node.

`Api` makes one and hands it to its verbs. Nothing here decides anything.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from drydock.cluster.errors import Obj
from drydock.cluster.node import Node
from drydock.cluster.resources import Registry, Resource, builtin
from drydock.cluster.schema import Shape, Shapes
from drydock.cluster.store import Key, Store
from drydock.cluster.tokens import Tokens


@dataclass
class Core:
    """The state of one cluster."""

    store: Store
    tokens: Tokens
    registry: Registry = field(default_factory=builtin)
    shapes: Shapes = field(default_factory=Shapes)
    node: Node | None = None

    def shape(self, resource: Resource) -> Shape:
        """Return the shape of a kind."""
        return self.shapes.of(resource)

    def key(self, resource: Resource, namespace: str, name: str) -> Key:
        """Return where an object of a kind is stored."""
        return Key(stored_as(resource), namespace if resource.namespaced else "", name)

    def find(self, qualified: str, namespace: str, name: str) -> Obj | None:
        """Return a stored object by the qualified name of its resource."""
        return self.store.get(Key(qualified, namespace, name))


def stored_as(resource: Resource) -> str:
    """Return the name a resource is stored under; both kinds of Event are one."""
    return "events" if resource.qualified == "events.events.k8s.io" else resource.qualified
