"""What a server warns of when a custom object is written."""

from __future__ import annotations

from drydock.cluster.errors import Obj
from drydock.cluster.validation.metadata import STANDARD_FINALIZERS

_HINT = (
    "prefer a domain-qualified finalizer name including a path (/) to avoid accidental conflicts with"
    " other finalizer writers"
)


def finalizer_warnings(obj: Obj, old: Obj | None) -> list[str]:
    """Return a warning for every new finalizer that anybody could have named so."""
    before = set((old or {"metadata": {}})["metadata"].get("finalizers") or ())
    added = sorted(set(obj["metadata"].get("finalizers") or ()) - before)
    return [
        f'metadata.finalizers: "{name}": {_HINT}'
        for name in added
        if "/" not in name and name not in STANDARD_FINALIZERS
    ]
