"""Defaults that the schema of a custom resource states."""

from __future__ import annotations

from drydock.cluster.client import copied
from drydock.cluster.errors import Json, Obj


def fill_in(schema: Obj, value: Json) -> None:
    """Put the defaults of a schema into a value, in place."""
    if isinstance(value, dict):
        properties = schema.get("properties") or {}
        for name, one in properties.items():
            if name not in value and "default" in one:
                value[name] = copied(one["default"])
            if name in value:
                fill_in(one, value[name])
        extra = schema.get("additionalProperties")
        if isinstance(extra, dict):
            for name, one in value.items():
                if name not in properties:
                    fill_in(extra, one)
    elif isinstance(value, list):
        for one in value:
            fill_in(schema.get("items") or {}, one)
