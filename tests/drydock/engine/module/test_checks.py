"""Checks, generators and services are found by walking the module, and chosen by name."""

from __future__ import annotations

import pytest

from drydock.engine.module.checks import Check, checks_of
from drydock.engine.module.config import ModuleConfig
from drydock.engine.module.loaded import LoadedModule
from drydock.engine.module.members import Member, members
from drydock.engine.module.source import ModuleSource
from drydock.engine.module.typedefs import (
    Function,
    FunctionArg,
    ModuleTypes,
    ObjectTypeDef,
    TypeDef,
)


def _object(name: str, *functions: Function) -> TypeDef:
    return TypeDef("OBJECT_KIND", as_object=ObjectTypeDef(name, functions=functions, original=name))


def _reference(name: str) -> TypeDef:
    return TypeDef("OBJECT_KIND", as_object=ObjectTypeDef(name))


@pytest.fixture
def module(tmp_path) -> LoadedModule:
    text = TypeDef("STRING_KIND")
    quality = _object(
        "YardQuality",
        Function("styleCheck", text, check=True, original="style_check"),
        Function("again", _reference("YardQuality"), original="again"),
    )
    main = _object(
        "Yard",
        Function("lint", text, check=True, original="lint"),
        Function("tidy", _reference("Changeset"), generator=True, original="tidy"),
        Function("quality", _reference("YardQuality"), original="quality"),
        Function(
            "picky",
            text,
            args=(FunctionArg("word", text, original="word"),),
            check=True,
            original="picky",
        ),
    )
    source = ModuleSource(".", tmp_path, tmp_path, ModuleConfig(name="yard"))
    return LoadedModule(source, "digest", ModuleTypes(objects=(main, quality)))


def test_checks_are_found_in_nested_objects_without_end(module: LoadedModule) -> None:
    """What needs an argument is none; an object that returns itself is walked once."""
    assert [member.name for member in members(module, "check")] == [
        "yard:lint",
        "yard:quality:style-check",
    ]


def test_a_generator_counts_as_a_check(module: LoadedModule) -> None:
    """It stands behind the others and may be left out."""
    assert [c.name for c in checks_of(module, None).list][-1] == "yard:tidy"
    assert all(not c.generates for c in checks_of(module, None, generators=False).list)


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("lint", ["yard:lint"]),
        ("yard:lint", ["yard:lint"]),
        ("quality", ["yard:quality:style-check"]),
        ("quality:*", ["yard:quality:style-check"]),
        ("nothing", []),
    ],
)
def test_patterns_name_checks_with_or_without_the_module(
    module: LoadedModule, pattern: str, found: list[str]
) -> None:
    """Globs match whole names; a name stands for everything below it."""
    chosen = checks_of(module, [pattern], generators=False).list
    assert [check.name for check in chosen] == found


def test_a_check_is_called_through_its_objects(module: LoadedModule) -> None:
    """The query follows the way from the constructor."""
    nested = [m for m in members(module, "check") if m.path[0] == "quality"]
    assert nested[0].query("") == "{ yard { quality { styleCheck } } }"
    assert isinstance(Check(module, nested[0].functions), Member)
