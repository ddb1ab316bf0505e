"""What the API itself does once an object is stored or gone.

Only kinds that change the API: custom resource definitions serve and unserve their resources.
"""

from __future__ import annotations

from drydock.cluster.core import Core
from drydock.cluster.custom import serve, unserve
from drydock.cluster.errors import Obj
from drydock.cluster.resources import Resource

_DEFINITIONS = "customresourcedefinitions.apiextensions.k8s.io"


def stored(core: Core, resource: Resource, obj: Obj) -> None:
    """Act on a new state."""
    if resource.qualified == _DEFINITIONS:
        serve(core, obj)


def removed(core: Core, resource: Resource, obj: Obj) -> None:
    """Act on a removal."""
    if resource.qualified == _DEFINITIONS:
        unserve(core, obj)
