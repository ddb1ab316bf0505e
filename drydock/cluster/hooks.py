"""What the API itself does once an object is stored or gone.

Custom resource definitions serve and unserve their resources, and quotas are counted anew.
"""

from __future__ import annotations

from drydock.cluster.admission.quota import refresh
from drydock.cluster.core import Core
from drydock.cluster.custom import serve, unserve
from drydock.cluster.errors import Obj
from drydock.cluster.resources import Resource

_DEFINITIONS = "customresourcedefinitions.apiextensions.k8s.io"


def stored(core: Core, resource: Resource, obj: Obj) -> None:
    """Act on a new state."""
    if resource.qualified == _DEFINITIONS:
        serve(core, obj)
    refresh(core, obj["metadata"].get("namespace", ""))


def removed(core: Core, resource: Resource, obj: Obj) -> None:
    """Act on a removal."""
    if resource.qualified == _DEFINITIONS:
        unserve(core, obj)
    refresh(core, obj["metadata"].get("namespace", ""))
