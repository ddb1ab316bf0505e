"""The committed schema is what the SDK and the recorded engine say."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from drydock.engine.schema import Argument, Directive, Schema, load_schema

ROOT = Path(__file__).resolve().parents[2]
RECORD = json.loads((ROOT / "tests/conformance/golden/dagger/api/schema.json").read_text())


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("gs", ROOT / "tools/generate_schema.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["gs"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def schema() -> Schema:
    return load_schema()


def test_committed_schema_is_what_the_installed_sdk_gives(tool: ModuleType) -> None:
    """Nobody edited the file, and the SDK did not change under it."""
    assert (ROOT / "drydock/engine/schema.graphql").read_text() == tool.generate()


def test_new_api_of_an_sdk_is_noticed(tool: ModuleType) -> None:
    """A field that the record lacks is reported, not dropped."""
    sdk = tool.read_sdk(tool.sdk_source().read_text())
    sdk["Container"].fields["withWings"] = tool.SdkField("")
    assert "Container.withWings" in tool.unknown_to_record(sdk, RECORD)


def _directives(found: tuple[Directive, ...]) -> list[str]:
    return [
        f"@{item.name}" + (f"({', '.join(f'{k}: {v}' for k, v in item.args)})" if item.args else "")
        for item in found
    ]


def _argument(argument: Argument) -> dict[str, Any]:
    shown: dict[str, Any] = {"type": argument.type}
    if argument.default is not None:
        shown["default"] = argument.default
    if argument.directives:
        shown["directives"] = _directives(argument.directives)
    return shown


def _type(schema: Schema, name: str) -> dict[str, Any]:
    found = schema.types[name]
    shown: dict[str, Any] = {"kind": found.kind}
    if found.fields:
        shown["fields"] = {}
        for field in found.fields.values():
            one: dict[str, Any] = {"type": field.type}
            args = {k: _argument(a) for k, a in field.args.items() if a.deprecated is None}
            if args:
                one["args"] = args
            if field.deprecated is not None:
                one["deprecated"] = True
            if field.directives:
                one["directives"] = _directives(field.directives)
            shown["fields"][field.name] = one
    if found.inputs:
        shown["inputFields"] = {k: _argument(a) for k, a in found.inputs.items()}
    if found.values:
        shown["enumValues"] = list(found.values)
    if found.kind == "INTERFACE":
        shown["possibleTypes"] = sorted(schema.possible(name))
    if found.interfaces:
        shown["interfaces"] = list(found.interfaces)
    return shown


def test_schema_has_the_recorded_types_and_no_others(schema: Schema) -> None:
    """169 types, by name."""
    assert set(schema.types) | {"ID"} == set(RECORD["types"]) | {"ID"}


@pytest.mark.parametrize("name", sorted(RECORD["types"]))
def test_type_is_as_recorded(schema: Schema, name: str) -> None:
    """Fields, arguments, defaults, directives, deprecations and interfaces are the recorded ones."""
    assert _type(schema, name) == RECORD["types"][name]


def test_directives_are_as_recorded(schema: Schema) -> None:
    """Names, arguments and places."""
    shown = {
        name: {
            "args": {k: _argument(a) for k, a in found.args.items()},
            "locations": list(found.locations),
        }
        for name, found in schema.directives.items()
    }
    assert shown == RECORD["directives"]
