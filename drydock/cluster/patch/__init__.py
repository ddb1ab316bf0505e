"""The three patch formats that do not know owners: JSON patch, merge patch, strategic merge.

The patch verb calls one of them by content type; each takes an object and returns a new one.
"""

from drydock.cluster.patch.json_patch import PatchError, json_patch
from drydock.cluster.patch.merge import merge_patch
from drydock.cluster.patch.strategic import StrategicError, strategic_merge

__all__ = ["PatchError", "StrategicError", "json_patch", "merge_patch", "strategic_merge"]
