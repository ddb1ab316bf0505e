"""The module's face: what the command line offers, what may be cached, what is a check."""

import dagger
import pytest
from dagger.mod._converter import make_converter
from dagger.mod._resolver import ObjectType

from pipelines import Shipyard
from pipelines.flows.service_pipeline import QUALITY

TYPE: ObjectType[Shipyard] = Shipyard.__dagger_object_type__  # type: ignore[attr-defined]  # set by the SDK
NAMES = {
    "abort",
    "audit",
    "build",
    "chaos",
    "check",
    "cleanup",
    "deploy",
    "derived",
    "environments",
    "everything",
    "format",
    "formatting",
    "freeze",
    "health",
    "history",
    "lint",
    "misconfiguration",
    "plan_release",
    "preflight",
    "promote",
    "publish",
    "report",
    "rollback",
    "sast",
    "scan",
    "secrets",
    "serve",
    "services",
    "ship",
    "status",
    "test",
    "types",
    "unfreeze",
}
LOOKING = {"status", "history", "health", "preflight"}
GOING = {"promote", "abort", "rollback"}
STOPPING = {"freeze", "unfreeze"}
KNOCKING = {"chaos", "cleanup"}
BRINGING = {"ship", "deploy"}
WITH_SERVICES = {"publish", "plan_release", *LOOKING, *GOING, *KNOCKING, *BRINGING}
WITH_ENVIRONMENT = WITH_SERVICES | STOPPING


def arguments(name: str) -> dict[str, bool]:
    """Give a function's arguments, and whether they may be left out."""
    parameters = TYPE.functions[name].parameters
    return {name: each.is_optional for name, each in parameters.items()}


def test_the_functions_are_these() -> None:
    assert {name for name in TYPE.functions if name} == NAMES


@pytest.mark.parametrize("name", sorted(NAMES - {"services", "environments"}))
def test_what_runs_a_tool_or_has_an_effect_is_never_answered_from_a_cache(name: str) -> None:
    assert TYPE.functions[name].cache_policy == "never"


def test_the_quality_stages_and_the_scan_are_checks_without_required_arguments() -> None:
    checks = {name for name, each in TYPE.functions.items() if each.check}
    assert checks == {*QUALITY, "scan"}
    for name in checks:
        assert arguments(name) == {"service": True}


def test_the_formatting_and_what_follows_from_the_catalogue_are_what_generate_runs() -> None:
    generators = {name for name, each in TYPE.functions.items() if each.meta.generator}
    assert generators == {"formatting", "derived"}
    assert arguments("formatting") == {"service": True}


def test_everything_is_what_up_runs() -> None:
    assert {name for name, each in TYPE.functions.items() if each.meta.service} == {"everything"}
    assert arguments("everything") == {}


def test_what_acts_on_an_environment_is_told_which() -> None:
    required = {name for name in NAMES if not all(arguments(name).values())}
    assert required == {*WITH_ENVIRONMENT, "serve"}
    for name in WITH_ENVIRONMENT:
        assert arguments(name)["env"] is False
        assert arguments(name).get("only", name in STOPPING) is True


def test_a_freeze_says_why() -> None:
    assert arguments("freeze") == {"env": False, "reason": False, "by": True}


def test_whoever_changes_something_can_be_named() -> None:
    for name in GOING | STOPPING | KNOCKING | BRINGING:
        assert "by" in arguments(name), name
    for name in BRINGING | KNOCKING:
        assert "approved_by" in arguments(name), name
    for name in BRINGING | {"plan_release"}:
        assert "ref" in arguments(name), name


def test_a_plan_is_a_file_that_deploy_takes() -> None:
    assert TYPE.functions["plan_release"].return_type is dagger.File
    assert {"saved_plan", "dry_run"} <= set(arguments("deploy"))


@pytest.mark.parametrize("name", ["ship", "check"])
def test_a_run_can_be_narrowed_planned_and_cut_short(name: str) -> None:
    assert {"only", "since", "plan", "fail_fast"} <= set(arguments(name))


@pytest.mark.parametrize("name", sorted(NAMES))
def test_every_function_and_argument_has_its_help(name: str) -> None:
    each = TYPE.functions[name]
    assert each.doc
    assert all(parameter.doc for parameter in each.parameters.values())


def test_git_configuration_stays_outside() -> None:
    git = TYPE.get_constructor(make_converter()).parameters["git"]  # type: ignore[no-untyped-call]
    assert git.ignore is not None
    assert git.ignore[0] == "*"
    assert not any("config" in pattern for pattern in git.ignore)


def test_what_tools_leave_behind_is_no_part_of_the_source() -> None:
    source = TYPE.get_constructor(make_converter()).parameters["source"]  # type: ignore[no-untyped-call]
    assert source.ignore is not None
    assert {"**/node_modules", "**/.venv", "**/__pycache__", "services/*/dist"} <= set(
        source.ignore
    )
