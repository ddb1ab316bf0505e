"""The columns of every kind: headings, which are for `-o wide`, and the cells of an object.

A heading that ends in `*` is shown by `-o wide` only. Kinds without an entry show name and age.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from drydock.cluster.core import Core
from drydock.cluster.custom.definitions import DEFINITIONS
from drydock.cluster.errors import Json, Obj
from drydock.cluster.resources import Resource
from drydock.cluster.tables import kinds
from drydock.cluster.tables.columns import UNKNOWN, age
from drydock.cluster.tables.pods import pod_conditions

Cells = Callable[[Obj], list[Json]]
_NUMBERS = {"Up-to-date", "Available", "Desired", "Current", "Ready#", "Data", "Secrets", "Replicas",
            "MinPods", "MaxPods", "Allowed Disruptions", "Value", "Active"}  # fmt: skip


@dataclass(frozen=True)
class Printer:
    """Make the table of one kind."""

    headings: tuple[str, ...]
    cells: Cells
    conditions: Callable[[Obj], list[Obj]] = lambda _: []
    types: tuple[str, ...] = ()

    def columns(self) -> list[Obj]:
        """Return the column definitions."""
        made = []
        for at, heading in enumerate(self.headings):
            name = heading.rstrip("*#")
            kind = self.types[at] if self.types else "integer" if name in _NUMBERS else "string"
            made.append(
                {
                    "name": name,
                    "type": kind,
                    "format": "name" if name == "Name" else "",
                    "description": name,
                    "priority": 1 if heading.endswith("*") else 0,
                }
            )
        return made


def _plain(obj: Obj) -> list[Json]:
    return [obj["metadata"].get("name", ""), age(obj["metadata"].get("creationTimestamp"))]


def _created(obj: Obj) -> list[Json]:
    return [obj["metadata"].get("name", ""), obj["metadata"].get("creationTimestamp")]


_PLAIN = Printer(("Name", "Age"), _plain)
_CREATED = Printer(("Name", "Created At"), _created)


def printer(core: Core, resource: Resource) -> Printer:
    """Return the printer of a kind."""
    if resource.custom:
        return _custom(core, resource)
    entry = kinds.TABLES.get(resource.qualified)
    if entry is not None:
        headings, cells = entry
        conditions = pod_conditions if resource.qualified == "pods" else (lambda _: [])
        return Printer(headings, cells, conditions)
    if resource.qualified in kinds.CREATED_AT:
        return _CREATED
    return _PLAIN


def _custom(core: Core, resource: Resource) -> Printer:
    definition = core.find(DEFINITIONS, "", resource.qualified)
    versions = definition["spec"]["versions"] if definition else []
    version: Obj = next((v for v in versions if v["name"] == resource.version), {})
    columns = version.get("additionalPrinterColumns")
    if not columns:
        return _PLAIN
    headings = tuple(column["name"] + ("*" if column.get("priority") else "") for column in columns)

    def cells(obj: Obj) -> list[Json]:
        return [obj["metadata"].get("name", ""), *(_cell(column, obj) for column in columns)]

    types = ("string", *(column["type"] for column in columns))
    return Printer(("Name", *headings), cells, types=types)


def _cell(column: Obj, obj: Obj) -> Json:
    value = json_path(obj, column["jsonPath"])
    if value is None:
        return None
    if column["type"] == "date":
        return age(value) if isinstance(value, str) else UNKNOWN
    if column["type"] in ("integer", "number", "boolean"):
        return value
    return value if isinstance(value, str) else str(value)


def json_path(obj: Json, path: str) -> Json:
    """Return the value at a simple JSON path: `.status.conditions[?(@.type=="Ready")].status`."""
    here = obj
    for name, index, field, wanted in re.findall(
        r"\.([\w-]+)|\[(\d+|\*)\]|\[\?\(@\.([\w.]+)==[\"']([^\"']*)[\"']\)\]", path
    ):
        if name:
            here = here.get(name) if isinstance(here, dict) else None
        elif index:
            at = 0 if index == "*" else int(index)
            here = here[at] if isinstance(here, list) and at < len(here) else None
        else:
            items = here if isinstance(here, list) else []
            here = next((one for one in items if str(one.get(field)) == wanted), None)
        if here is None:
            return None
    return here
