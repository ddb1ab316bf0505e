"""Defaults of Secrets, namespaces, claims and custom resource definitions."""

from __future__ import annotations

import base64

from drydock.cluster.defaulting.registry import defaults
from drydock.cluster.errors import Obj


@defaults("secrets")
def secret(obj: Obj) -> None:
    """Fill in a Secret; plain texts move into the data."""
    obj.setdefault("type", "Opaque")
    plain = obj.pop("stringData", None)
    if plain:
        encoded = {k: base64.b64encode(v.encode()).decode() for k, v in plain.items()}
        obj["data"] = {**(obj.get("data") or {}), **encoded}


@defaults("namespaces")
def namespace(obj: Obj) -> None:
    """Label a namespace with its name."""
    name = obj["metadata"].get("name")
    if name:
        obj["metadata"].setdefault("labels", {})["kubernetes.io/metadata.name"] = name
    obj["status"].setdefault("phase", "Active")


@defaults("persistentvolumeclaims")
def claim(obj: Obj) -> None:
    """Fill in a claim."""
    obj["spec"].setdefault("volumeMode", "Filesystem")
    obj["status"].setdefault("phase", "Pending")


@defaults("persistentvolumes")
def volume(obj: Obj) -> None:
    """Fill in a volume."""
    obj["spec"].setdefault("persistentVolumeReclaimPolicy", "Retain")
    obj["spec"].setdefault("volumeMode", "Filesystem")
    obj["status"].setdefault("phase", "Pending")


@defaults("customresourcedefinitions.apiextensions.k8s.io")
def definition(obj: Obj) -> None:
    """Fill in the names and the conversion of a definition."""
    spec = obj["spec"]
    names = spec["names"]
    kind = names.get("kind") or ""
    if kind:
        names["singular"] = names.get("singular") or kind.lower()
        names["listKind"] = names.get("listKind") or f"{kind}List"
    spec.setdefault("conversion", {"strategy": "None"})
