"""The module's face: what the command line offers, what may be cached, what is a check."""

import pytest
from dagger.mod._converter import make_converter
from dagger.mod._resolver import ObjectType

from pipelines import Shipyard

TYPE: ObjectType = Shipyard.__dagger_object_type__  # type: ignore[attr-defined]  # set by the SDK
NAMES = {
    "build",
    "check",
    "deploy",
    "environments",
    "format",
    "lint",
    "publish",
    "rollback",
    "scan",
    "services",
    "ship",
    "status",
    "test",
    "types",
}


def test_the_functions_are_these() -> None:
    assert {name for name in TYPE.functions if name} == NAMES


@pytest.mark.parametrize("name", sorted(NAMES - {"services", "environments"}))
def test_what_runs_a_tool_or_has_an_effect_is_never_answered_from_a_cache(name: str) -> None:
    assert TYPE.functions[name].cache_policy == "never"


def test_the_quality_stages_are_checks_without_required_arguments() -> None:
    checks = {name for name, each in TYPE.functions.items() if each.check}
    assert checks == {"format", "lint", "types", "test", "scan"}
    for name in checks:
        assert all(each.is_optional for each in TYPE.functions[name].parameters.values())


@pytest.mark.parametrize("name", sorted(NAMES))
def test_every_function_and_argument_has_its_help(name: str) -> None:
    each = TYPE.functions[name]
    assert each.doc
    assert all(parameter.doc for parameter in each.parameters.values())


def test_git_configuration_stays_outside() -> None:
    git = TYPE.get_constructor(make_converter()).parameters["git"]
    assert git.ignore is not None
    assert git.ignore[0] == "*"
    assert not any("config" in pattern for pattern in git.ignore)
