"""A release: nothing leaves the engine before every stage of all services has passed."""

from typing import Any, cast

import pytest
from dagger import dag

from pipelines import Shipyard
from pipelines.flows.access import Access
from pipelines.flows.graph import State
from pipelines.flows.pipeline import Pipeline
from pipelines.flows.release import Release, short
from pipelines.flows.selection import Choice
from pipelines.flows.service_pipeline import QUALITY
from pipelines.model import Image, Status
from pipelines.stages.build import Built
from pipelines.toolchains.deliverer import ClusterAccess
from pipelines.toolchains.registry import RegistryAccess
from tests.pipelines.examples import dockerfile_service, environment, service
from tests.pipelines.flows.boards import NOWHERE, ancestors, entries, needs, source, words

SHOP, CART, PLAIN = service("shop"), service("cart", kind="node"), dockerfile_service("plain")
NEAR = environment("shop", "cart", "plain", advisories="archive")
DIGEST = "0123456789abcdef" * 4
REFERENCE = f"localhost:5000/team/shop@sha256:{DIGEST}"


def release(access: Access = NOWHERE) -> tuple[Release, Pipeline]:
    """Make a release of three services with an empty board."""
    made = Release(source(), access, Choice(NEAR, (SHOP, CART, PLAIN), {}))
    return made, made._pipeline


def shipped(access: Access = NOWHERE) -> Pipeline:
    """Put what `ship` does on a board."""
    made, pipeline = release(access)
    made.publish([*made.ready(), *made.checks(), *made.images(scanned=True)])
    made.deliver()
    return pipeline


def test_every_stage_of_all_services_comes_before_anything_is_published() -> None:
    pipeline = shipped()
    found = entries(pipeline)
    before = {
        f"{name}: {stage}" for name in ("shop", "cart") for stage in (*QUALITY, "build", "scan")
    }
    before |= {
        f"plain: {stage}" for stage in ("lint", "secrets", "misconfiguration", "build", "scan")
    }
    for name in ("shop", "cart", "plain"):
        assert before <= ancestors(found[f"{name}: publish"].task)


def test_everything_is_published_before_anything_is_delivered() -> None:
    deploy = entries(shipped())["deploy"].task
    assert needs(deploy) == {"shop: publish", "cart: publish", "plain: publish"}


def test_a_red_stage_of_one_service_keeps_all_from_being_published() -> None:
    """The gate is the whole: what is published belongs together."""
    found = entries(shipped())
    assert "plain: lint" in ancestors(found["shop: publish"].task)
    assert "shop: audit" in ancestors(found["plain: publish"].task)


def test_the_servers_are_asked_first_and_their_silence_ends_the_run() -> None:
    server = dag.container().as_service()
    access = Access(RegistryAccess(server, "", None), ClusterAccess(None, server))
    pipeline = shipped(access)
    first = pipeline.board.entries[0]
    assert (first.task.name, first.hidden, first.task.fatal) == ("reach", True, True)
    assert "reach" in ancestors(entries(pipeline)["shop: publish"].task)
    assert needs(entries(pipeline)["preflight"].task) == {"reach"}


def test_a_delivery_that_would_not_be_let_in_ends_the_run_before_anything_is_pushed() -> None:
    """A frozen environment, a missing right or a full quota is told while the first stages still run."""
    found = entries(shipped())
    asked = found["preflight"]
    assert (asked.hidden, asked.task.fatal, asked.task.needs) == (True, True, ())
    assert "preflight" in ancestors(found["shop: publish"].task)


def test_without_servers_of_this_machine_nobody_is_asked() -> None:
    assert "reach" not in entries(shipped())


def test_an_environment_says_how_much_must_be_known_of_vulnerabilities() -> None:
    assert "archive" in words(entries(shipped())["shop: scan"].inputs)


def test_what_is_not_scanned_has_no_scan() -> None:
    made, pipeline = release()
    made.publish(made.images(scanned=False))
    assert not any("scan" in name or name == "advisories" for name in entries(pipeline))
    assert needs(entries(pipeline)["shop: publish"].task) == {
        "shop: build",
        "cart: build",
        "plain: build",
    }


def test_a_rehearsal_pushes_nothing() -> None:
    made, pipeline = release()
    made.images(scanned=False)
    made.rehearse()
    before = ancestors(entries(pipeline)["rehearse"].task)
    assert {"shop: build", "cart: build", "plain: build", "commit"} <= before
    assert not any("publish" in name or "scan" in name for name in entries(pipeline))
    assert made._ending() == "Nothing was changed."


def test_a_plan_is_saved_after_everything_was_published_and_nothing_is_delivered() -> None:
    made, pipeline = release()
    made.publish([*made.checks(), *made.images(scanned=True)])
    made.save()
    found = entries(pipeline)
    published = {"shop: publish", "cart: publish", "plain: publish"}
    assert published <= needs(found["plan"].task)
    assert "deploy" not in found
    assert found["plan"].inputs is None


def test_a_rehearsed_image_is_called_as_it_will_be_once_it_is_pushed() -> None:
    made, pipeline = release()
    made.images(scanned=False)
    for each in (SHOP, CART, PLAIN):
        image = Image(service=each.name, digest=f"sha256:{DIGEST}", unpacked=1, compressed=1)
        done(entries(pipeline)[f"{each.name}: build"].task, Built(each, image, dag.directory()))
    assert made._references()["shop"] == REFERENCE


def test_effects_are_never_known_beforehand() -> None:
    found = entries(shipped())
    for name in ("shop: publish", "cart: publish", "plain: publish", "deploy"):
        assert found[name].inputs is None


def test_effects_can_be_made_again_by_the_command_that_they_name() -> None:
    found = entries(shipped())
    functions = Shipyard.__dagger_object_type__.functions  # type: ignore[attr-defined]
    assert found["shop: publish"].reproduce == "dagger call publish --env=near --only=shop"
    assert found["deploy"].reproduce == "dagger call deploy --env=near"
    assert {"env", "only"} <= set(functions["publish"].parameters)
    assert "env" in functions["deploy"].parameters


def done(task: object, value: object) -> None:
    """Let a task have ended with a value."""
    ended = cast("Any", task)
    ended.state, ended._value = State.DONE, value


def test_what_was_published_is_told_short_and_what_was_delivered_in_words() -> None:
    found = entries(shipped())
    publish, deploy = found["shop: publish"], found["deploy"]
    done(publish.task, REFERENCE)
    done(deploy.task, "shop: 3 of 3\ncart: 2 of 2")
    assert publish.judge() == (Status.PASSED, "localhost:5000/team/shop@0123456789ab", "")
    assert deploy.judge() == (Status.PASSED, "", "shop: 3 of 3\ncart: 2 of 2")


def test_a_good_end_says_where_it_runs_or_what_the_registry_has() -> None:
    made, pipeline = release()
    made.publish(made.images(scanned=False))
    for name in ("shop", "cart", "plain"):
        done(entries(pipeline)[f"{name}: publish"].task, f"{REFERENCE}-{name}")
    assert made._ending().splitlines() == [
        "localhost:5000 has this now:",
        *(f"  {REFERENCE}-{name}" for name in ("shop", "cart", "plain")),
    ]
    made.deliver()
    assert made._ending() == "near runs this at http://127.0.0.1:8080"


@pytest.mark.parametrize(
    ("reference", "told"),
    [
        (REFERENCE, "localhost:5000/team/shop@0123456789ab"),
        (f"ghcr.io/a/b/c@sha256:{DIGEST}", "ghcr.io/a/b/c@0123456789ab"),
    ],
)
def test_a_reference_is_shortened_to_what_people_tell_apart(reference: str, told: str) -> None:
    assert short(reference) == told
