"""The identity of a pod template: a short name for its content.

Deployments, StatefulSets and DaemonSets name their revisions by it. Invariant: equal templates
have equal hashes for the same collision count, and another count gives another hash.
"""

from __future__ import annotations

import hashlib
import json

from drydock.cluster.errors import Obj

HASH_LABEL = "pod-template-hash"

_SAFE = "bcdfghjklmnpqrstvwxz2456789"
"""Letters and digits that spell no words, as in every generated name of the API."""


def template_hash(template: Obj, collisions: int | None) -> str:
    """Return up to ten safe characters that stand for a template."""
    text = json.dumps(template, sort_keys=True, separators=(",", ":"))
    if collisions:
        text += f"#{collisions}"
    number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
    return "".join(_SAFE[int(digit) % len(_SAFE)] for digit in str(number).zfill(10))


def same_template(one: Obj, other: Obj) -> bool:
    """Tell whether two templates ask for the same pods, their hash labels aside."""
    return _bare(one) == _bare(other)


def labelled(template: Obj, name: str, value: str) -> Obj:
    """Return a template with one more label."""
    meta = template.get("metadata") or {}
    labels = {**(meta.get("labels") or {}), name: value}
    return {**template, "metadata": {**meta, "labels": labels}}


def _bare(template: Obj) -> Obj:
    meta = {k: v for k, v in (template.get("metadata") or {}).items() if v not in (None, {})}
    labels = {k: v for k, v in (meta.get("labels") or {}).items() if k != HASH_LABEL}
    meta.pop("creationTimestamp", None)
    return {**template, "metadata": {**meta, "labels": labels}}
