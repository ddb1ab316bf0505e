"""A service's pipeline: which stages its kind has, what they wait for, what they read."""

from dataclasses import replace
from typing import Any

import pytest
from dagger import dag

from pipelines import Shipyard
from pipelines.flows.images import add_builds, add_scans
from pipelines.flows.service_pipeline import QUALITY
from pipelines.model import Advisories, Image, Kind, Service, Status
from pipelines.stages.build import Built
from pipelines.toolchains.calendar import this_quarter, this_week, today
from tests.pipelines.examples import dockerfile_service, service
from tests.pipelines.flows.boards import (
    ancestors,
    entries,
    needs,
    pipelines_of,
    questions,
    stages,
    words,
)

KINDS = [kind.value for kind in Kind]


def of_kind(kind: str, name: str = "shop") -> Service:
    """Make a service of a kind."""
    return dockerfile_service(name) if kind == "dockerfile" else service(name, kind=kind)


def checked(kind: str) -> dict[str, Any]:
    """Put the checks of a service on a board; give the entries."""
    pipeline, (shop,) = pipelines_of(of_kind(kind))
    shop.check()
    return entries(pipeline)


@pytest.mark.parametrize("kind", ["python", "node", "angular"])
def test_a_kind_with_tools_has_every_quality_stage_in_the_order_that_people_read(kind: str) -> None:
    pipeline, (shop,) = pipelines_of(of_kind(kind))
    added = shop.check()
    assert stages(pipeline) == [f"shop: {stage}" for stage in QUALITY]
    assert [task.name for task in added] == stages(pipeline)


def test_a_dockerfile_has_the_stages_that_need_no_tools_of_a_language() -> None:
    pipeline, (shop,) = pipelines_of(of_kind("dockerfile"))
    shop.check()
    assert stages(pipeline) == ["shop: lint", "shop: secrets", "shop: misconfiguration"]
    assert "shop: tools" not in entries(pipeline)


@pytest.mark.parametrize("stage", QUALITY)
def test_one_stage_alone_is_asked_of_all_services_that_have_it(stage: str) -> None:
    pipeline, each = pipelines_of(of_kind("python", "a"), of_kind("dockerfile", "b"))
    for one in each:
        one.check([stage])
    assert stages(pipeline)[0] == f"a: {stage}"
    assert len(stages(pipeline)) == (2 if stage in ("lint", "secrets", "misconfiguration") else 1)


@pytest.mark.parametrize("kind", ["python", "node", "angular"])
def test_the_tools_of_a_service_are_installed_once_for_all_its_stages(kind: str) -> None:
    found = checked(kind)
    for stage in ("format", "lint", "types", "test"):
        assert "shop: tools" in needs(found[f"shop: {stage}"].task)
    assert found["shop: tools"].hidden


@pytest.mark.parametrize("stage", ["sast", "audit", "secrets", "misconfiguration"])
def test_what_brings_its_own_tools_starts_at_once(stage: str) -> None:
    assert needs(checked("python")[f"shop: {stage}"].task) == set()


def test_angular_tests_wait_until_the_types_fit() -> None:
    """They are compiled first: a type that does not fit would be told twice, in a riddle the second time."""
    assert needs(checked("angular")["shop: test"].task) == {"shop: tools", "shop: types"}


@pytest.mark.parametrize("kind", ["python", "node"])
def test_other_tests_do_not_wait_for_types(kind: str) -> None:
    assert needs(checked(kind)["shop: test"].task) == {"shop: tools"}


def test_angular_tests_alone_wait_for_nothing_that_was_not_asked_for() -> None:
    pipeline, (shop,) = pipelines_of(of_kind("angular"))
    shop.check(["test"])
    assert stages(pipeline) == ["shop: test"]


def test_services_do_not_wait_for_each_other() -> None:
    pipeline, each = pipelines_of(of_kind("python", "a"), of_kind("angular", "b"))
    checks = {one.service.name: one.check() for one in each}
    add_scans(pipeline, each, add_builds(each, checks))
    found = entries(pipeline)
    for own, other in (("a", "b"), ("b", "a")):
        before = ancestors(found[f"{own}: build"].task)
        assert not any(name.startswith(f"{other}: ") for name in before)
        assert {f"{own}: {stage}" for stage in QUALITY} <= before


@pytest.mark.parametrize("kind", KINDS)
def test_an_image_is_built_when_its_own_checks_have_passed_and_scanned_then(kind: str) -> None:
    pipeline, each = pipelines_of(of_kind(kind))
    checks = {"shop": each[0].check()}
    add_scans(pipeline, each, add_builds(each, checks))
    found = entries(pipeline)
    assert {task.name for task in checks["shop"]} <= ancestors(found["shop: build"].task)
    assert {"builder", "commit"} <= needs(found["shop: build"].task)
    assert needs(found["shop: scan"].task) == {"shop: build", "advisories"}


def test_layers_below_a_service_are_made_while_it_is_checked() -> None:
    pipeline, (shop,) = pipelines_of(of_kind("python"))
    shop.build(shop.check())
    layers = entries(pipeline)["shop: layers"]
    assert layers.hidden
    assert needs(layers.task) == {"builder"}


def test_only_what_is_compiled_for_browsers_is_bundled() -> None:
    for kind in KINDS:
        pipeline, (shop,) = pipelines_of(of_kind(kind))
        build = shop.build()
        assert ("shop: bundle" in stages(pipeline)) == (kind == "angular")
        assert ("shop: bundle" in needs(build)) == (kind == "angular")


def test_a_bundle_is_built_with_the_services_tools_when_its_checks_have_passed() -> None:
    pipeline, (shop,) = pipelines_of(of_kind("angular"))
    shop.build(shop.check(["format", "test"]))
    bundle = entries(pipeline)["shop: bundle"].task
    assert needs(bundle) == {"shop: tools", "shop: format", "shop: test"}


def test_a_dockerfile_needs_no_layers_of_ours() -> None:
    pipeline, (shop,) = pipelines_of(of_kind("dockerfile"))
    assert needs(shop.build()) == {"builder", "commit"}
    assert "shop: layers" not in entries(pipeline)


def test_advisories_wait_only_for_images_whose_packages_nobody_listed() -> None:
    pipeline, each = pipelines_of(of_kind("python", "a"), of_kind("dockerfile", "b"))
    add_scans(pipeline, each, add_builds(each, {}))
    assert needs(entries(pipeline)["advisories"].task) == {"builder", "b: build"}


def test_what_serves_all_services_is_prepared_once() -> None:
    pipeline, each = pipelines_of(of_kind("python", "a"), of_kind("node", "b"))
    add_scans(pipeline, each, add_builds(each, {}))
    names = [entry.task.name for entry in pipeline.board.entries]
    for name in ("builder", "commit", "advisories"):
        assert names.count(name) == 1


def test_a_python_formatter_reads_code_and_settings_only() -> None:
    read, *_ = checked("python")["shop: format"].inputs
    name, arguments = questions(read)[-1]
    assert name == "filter"
    assert "**/*.py" in arguments["include"]
    assert "pyproject.toml" in arguments["include"]
    assert not any(
        "requirements" in each or "service.yaml" in each for each in arguments["include"]
    )


def test_tests_read_the_whole_folder_of_their_service() -> None:
    read, *_ = checked("python")["shop: test"].inputs
    assert questions(read)[-1] == ("directory", {"path": "services/shop"})


@pytest.mark.parametrize("kind", ["python", "node", "angular"])
def test_every_stage_reads_the_services_description_and_its_locks(kind: str) -> None:
    for name, entry in checked(kind).items():
        if entry.hidden:
            continue
        assert any("image=ImageRecipe(" in each for each in words(entry.inputs)), name
        asked = [questions(each)[-1] for each in entry.inputs if not isinstance(each, str)]
        locks = [arguments["include"] for field, arguments in asked if field == "filter"]
        assert any(
            {"package-lock.json", "requirements.txt"} & set(include) for include in locks
        ), name


def test_a_changed_description_changes_what_the_stages_read() -> None:
    def described(of: Service) -> list[str]:
        pipeline, (shop,) = pipelines_of(of)
        shop.check(["test"])
        return words(entries(pipeline)["shop: test"].inputs)

    assert described(service()) == described(service())
    assert described(service()) != described(service(coverage=90))


def test_what_the_world_outside_says_holds_for_a_day_and_packages_for_a_week() -> None:
    pipeline, each = pipelines_of(of_kind("python"))
    add_scans(pipeline, each, add_builds(each, {"shop": each[0].check()}), Advisories.ARCHIVE)
    found = entries(pipeline)
    assert this_quarter() in words(found["shop: audit"].inputs)
    assert today() in words(found["shop: secrets"].inputs)
    assert today() in words(found["shop: misconfiguration"].inputs)
    assert words(found["shop: scan"].inputs) == [today(), "archive"]
    assert this_week() in words(found["shop: build"].inputs)
    assert today() not in words(found["shop: test"].inputs)


def test_a_scan_is_known_by_its_build() -> None:
    pipeline, each = pipelines_of(of_kind("python"))
    built = add_builds(each, {})
    add_scans(pipeline, each, built)
    assert built["shop"] in (entries(pipeline)["shop: scan"].inputs or ())


def test_misconfiguration_reads_the_manifests_of_its_service() -> None:
    asked = [
        questions(each)[-1]
        for each in checked("python")["shop: misconfiguration"].inputs
        if not isinstance(each, str)
    ]
    assert ("filter", {"include": ["manifests/apps/shop"]}) in asked


@pytest.mark.parametrize("kind", KINDS)
def test_every_stage_can_be_run_again_by_the_command_that_it_names(kind: str) -> None:
    pipeline, each = pipelines_of(of_kind(kind))
    add_scans(pipeline, each, add_builds(each, {"shop": each[0].check()}))
    functions = Shipyard.__dagger_object_type__.functions  # type: ignore[attr-defined]
    for entry in pipeline.board.entries:
        if not entry.hidden:
            dagger, call, name, flag = entry.reproduce.split()
            assert (dagger, call, flag) == ("dagger", "call", "--service=shop")
            assert "service" in functions[name].parameters


def test_a_build_is_told_by_size_and_digest() -> None:
    pipeline, (shop,) = pipelines_of(of_kind("python"))
    task = shop.build()
    image = Image(
        service="shop", digest=f"sha256:{'0123456789' * 6}abcd", unpacked=38_149_999, compressed=1
    )
    task.state, task._value = type(task.state).DONE, Built(shop.service, image, dag.directory())
    verdict = entries(pipeline)["shop: build"].judge()
    assert (verdict.status, verdict.note) == (Status.PASSED, "38.1 MB, 012345678901")


def test_the_same_pipeline_can_be_asked_for_its_tools_at_any_time() -> None:
    pipeline, (shop,) = pipelines_of(of_kind("node"))
    assert shop.bench is shop.bench
    other = pipelines_of(replace(shop.service, name="cart"))[1][0]
    assert other.bench.name == "cart: tools"
    assert list(entries(pipeline)) == ["shop: tools"]
