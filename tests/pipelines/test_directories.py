"""Directories of a real engine: reading a repository, keys of its files, what goes into an image.

No image is needed for these, so that a private engine answers within seconds.
"""

import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import dagger
import pytest
import pytest_asyncio
from dagger import dag

from pipelines.catalog import DocumentError, read_catalog
from pipelines.flows.access import Access
from pipelines.flows.admission import AdmissionError, admit
from pipelines.flows.board import Board
from pipelines.flows.derive import derive_manifests
from pipelines.flows.keys import keys_of
from pipelines.flows.pipeline import Source
from pipelines.flows.report import _summed_up
from pipelines.flows.selection import Request
from pipelines.flows.ship import apply, plan_release, publish
from pipelines.model import Kind, Order, StageResult, Status
from pipelines.stages import deliver as delivering
from pipelines.stages.build import own_files
from pipelines.stages.plan import Release, write_plan
from pipelines.stages.probes import find_probe_faults
from pipelines.stages.saved_plan import SavedPlanError
from pipelines.stages.standing import who_works_here
from pipelines.stages.subject import Subject
from pipelines.stages.workbench import files_read
from pipelines.toolchains.deliverer import ClusterAccess
from pipelines.toolchains.git_access import GitAccess
from pipelines.toolchains.kinds import Check
from pipelines.toolchains.registry import RegistryAccess
from pipelines.toolchains.run import Ran
from pipelines.toolchains.sast import judged
from tests.pipelines.examples import (
    ENVIRONMENT,
    ENVIRONMENT_TEXT,
    SERVICE,
    SERVICE_TEXT,
    changed,
    environment,
    service,
)
from tests.pipelines.flows.boards import questions

ROOT = Path(__file__).parents[2]
pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root and Linux namespaces"),
    pytest.mark.asyncio(loop_scope="module"),
]


@pytest_asyncio.fixture(loop_scope="module", scope="module", autouse=True)
async def engine(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[None]:
    """Connect to a private engine as any program of the SDK does."""
    folder = tmp_path_factory.mktemp("engine")
    command = folder / "dagger"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -P -m drydock.cli "$@"\n')
    command.chmod(0o755)
    environ = {
        "_EXPERIMENTAL_DAGGER_CLI_BIN": str(command),
        "DRYDOCK_STATE_DIR": str(folder / "state"),
        "DRYDOCK_CONFIG_DIR": str(folder / "config"),
        "PYTHONPATH": str(ROOT),
    }
    with pytest.MonkeyPatch.context() as patched, (folder / "log").open("w") as log:
        for name, value in environ.items():
            patched.setenv(name, value)
        async with dagger.connection(dagger.Config(log_output=log, workdir=str(folder))):
            yield


def repository(**files: str) -> dagger.Directory:
    """Make a repository of one service, one environment, and what is given."""
    directory = dag.directory()
    for name, text in {SERVICE: SERVICE_TEXT, ENVIRONMENT: ENVIRONMENT_TEXT, **files}.items():
        directory = directory.with_new_file(name, text)
    return directory


async def nothing() -> None:
    """Do nothing."""


async def key(files: dagger.Directory) -> str:
    """Compute the key of a stage that reads files."""
    task = Board().stage("shop", "lint", nothing)
    return (await keys_of({task: (files,)}, dag.directory()))[task]


async def test_a_repository_is_its_services_and_environments() -> None:
    catalog = await read_catalog(
        repository(**{"services/README.md": "no service", "manifests/apps/shop/x.yaml": "{}"})
    )
    assert list(catalog.services) == ["shop"]
    assert list(catalog.environments) == ["near"]
    assert catalog.shipped(catalog.environment("near")) == (service(),)


async def test_a_repository_without_any_is_an_empty_catalogue() -> None:
    catalog = await read_catalog(dag.directory().with_new_file("README.md", ""))
    assert (catalog.services, catalog.environments) == ({}, {})


async def test_a_wrong_file_is_told_by_its_name() -> None:
    wrong = changed(ENVIRONMENT_TEXT, services=["shop", "chart"])
    with pytest.raises(DocumentError, match=rf"{ENVIRONMENT}: services\[1\]: 'chart' is not a"):
        await read_catalog(repository(**{ENVIRONMENT: wrong}))
    with pytest.raises(DocumentError, match=f"{SERVICE}: port: 'x' is not a whole number"):
        await read_catalog(repository(**{SERVICE: changed(SERVICE_TEXT, port="x")}))


async def test_equal_files_have_equal_keys_however_they_were_made() -> None:
    one = dag.directory().with_new_file("a", "1").with_new_file("b", "2")
    other = dag.directory().with_new_file("b", "2").with_new_file("x", "").with_new_file("a", "1")
    assert await key(one) == await key(other.without_file("x"))
    assert await key(one) != await key(other)
    assert await key(one) != await key(one.with_new_file("a", "other"))


async def test_a_stage_is_asked_anew_only_when_what_it_reads_has_changed() -> None:
    format_ = Check((("black", "."),), reads=("**/*.py", "pyproject.toml"))
    everything = Check((("pytest",),))

    async def keys(**files: str) -> tuple[str, str]:
        subject = Subject(service(), repository(**files))
        return (
            await key(files_read(subject, format_)),
            await key(files_read(subject, everything)),
        )

    code = {"services/shop/app/main.py": "x = 1\n"}
    before = await keys(**code)
    assert await keys(**code, **{"services/cart/main.py": ""}) == before
    formatted, tested = await keys(**code, **{"services/shop/README.md": "words"})
    assert formatted == before[0]
    assert tested != before[1]
    formatted, tested = await keys(**{"services/shop/app/main.py": "x = 2\n"})
    assert formatted != before[0]
    assert tested != before[1]


async def test_an_image_gets_the_files_that_are_named_and_what_was_bundled() -> None:
    files = {
        "services/shop/app/main.py": "",
        "services/shop/app/deep/more.py": "",
        "services/shop/app/test_main.py": "",
        "services/shop/app/data.txt": "",
        "services/shop/main.py": "",
        "services/shop/secret.py": "",
    }
    subject = Subject(service(), repository(**files))
    own = own_files(subject)
    assert sorted(await own.glob("**/*.*")) == ["app/deep/more.py", "app/main.py", "main.py"]
    bundle = dag.directory().with_new_file("index.html", "<html>")
    assert "public/index.html" in await own_files(subject, bundle).glob("**/*")


JUDGED = {
    Kind.PYTHON: {"app/a.py", "app/tests/a.py", "app/reports/a.py"},
    Kind.NODE: {
        *(f"src/a.{ending}" for ending in ("js", "mjs", "cjs", "jsx", "ts", "mts", "cts", "tsx")),
        *(f"src/{folder}/a.js" for folder in ("reports", "dist", "coverage", "testing", "test")),
        "src/page.html",
    },
}
LEFT_OUT = {
    Kind.PYTHON: {"tests/a.py", ".venv/a.py", "app/test_a.py", "app/a_test.py", "app/conftest.py"},
    Kind.NODE: {
        *(f"{folder}/a.js" for folder in ("reports", "dist", "coverage", "testing", "test")),
        *("tests/a.js", ".angular/a.js", "src/a.test.jsx", "src/a.spec.ts", "src/styles.css"),
    },
}


@pytest.mark.parametrize("kind", JUDGED)
async def test_only_tests_and_what_tools_write_escape_the_security_analysis(kind: Kind) -> None:
    """A folder's name says so at the top of a service only; below, it is a name like any other."""
    files = dag.directory()
    for name in JUDGED[kind] | LEFT_OUT[kind]:
        files = files.with_new_file(name, "")
    left = await judged(kind, files).glob("**/*.*")
    assert {name for name in left if not name.endswith("/")} == JUDGED[kind]


async def test_probes_are_compared_in_every_manifest_of_the_service() -> None:
    probe = "readinessProbe: {httpGet: {path: /elsewhere}}"
    container = f"{{name: shop, image: shop, {probe}}}"
    text = f"spec: {{template: {{spec: {{containers: [{container}]}}}}}}"
    files = {"manifests/apps/shop/a.yaml": text, "manifests/apps/cart/b.yaml": text}
    (told,) = await find_probe_faults(Subject(service(), repository(**files)))
    assert told.startswith("manifests/apps/shop/a.yaml: readinessProbe asks /elsewhere, but ")
    assert await find_probe_faults(Subject(service(), repository())) == []


async def test_git_tells_who_works_here() -> None:
    moved = f"{'0' * 40} {'1' * 40} Ann Bee <ann@example.com> 1700000000 +0000\tcommit: all\n"
    assert await who_works_here(repository(**{".git/logs/HEAD": moved})) == "Ann Bee"
    assert await who_works_here(repository()) == ""


async def test_a_commit_gets_in_unasked_where_no_ref_is_named() -> None:
    """No container is started for it: the only directory here holds no git."""
    source = Source(repository(), repository(), "")
    order = Order(by="Ann", approved_by="Bob")
    assert await admit(source, environment(approval="required"), [service()], order) == order
    with pytest.raises(AdmissionError, match="nobody has approved this"):
        await admit(source, environment(approval="required"), [service()], Order(by="Ann"))


class Handed:
    """Takes a delivery's container instead of running it, and answers as one that went well."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.container, self.args = dag.container(), [""]
        monkeypatch.setattr(delivering, "run", self.run)

    async def run(self, container: dagger.Container, args: list[str], **_: object) -> Ran:
        """Keep what would be run."""
        self.container, self.args = container, args
        return Ran(0, "a line\n", cast("dagger.Container", self))

    async def stdout(self) -> str:
        """Give a result."""
        return '{"summary": "shop: 3 of 3"}'

    def file(self, path: str) -> dagger.File:
        """Give what was saved."""
        return dag.file("plan.json", path)

    def asked(self, field: str) -> list[dict[str, Any]]:
        """Tell with what a field of the container's query was called."""
        return [told for name, told in questions(self.container) if name == field]

    @property
    def variables(self) -> dict[str, str]:
        """Give the container's environment."""
        return {each["name"]: each["value"] for each in self.asked("withEnvVariable")}


NOBODY = ClusterAccess(None, None)
IMAGE = f"localhost:5000/team/shop@sha256:{'a' * 64}"
PLAN = write_plan("deploy", environment(), [Release(service(), IMAGE)], None)


async def test_a_saved_plan_is_handed_on_as_it_is_and_signed_beside_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    handed, spaced = Handed(monkeypatch), f"{PLAN}\n\n"
    order = Order(by="Ann", approved_by="Bob")
    file = dag.file("mine.json", spaced)
    told = await delivering.deliver(file, environment(), repository(), NOBODY, order)
    assert told == "shop: 3 of 3"
    assert handed.args == ["python", "-m", "delivery", "--plan=/plan.json"]
    (mounted,) = handed.asked("withMountedFile")
    assert mounted["path"] == "/plan.json"
    assert mounted["source"] is file
    signed = {"DELIVERY_WHO": "Ann", "DELIVERY_APPROVED_BY": "Bob"}
    assert signed.items() <= handed.variables.items()


async def test_what_nobody_said_is_not_put_into_the_deliverys_mouth(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    handed = Handed(monkeypatch)
    await delivering.deliver(PLAN, environment(), repository(), NOBODY)
    assert not {"DELIVERY_WHO", "DELIVERY_APPROVED_BY"} & handed.variables.keys()
    once = handed.variables["DELIVERY_RUN"]
    await delivering.deliver(PLAN, environment(), repository(), NOBODY)
    assert handed.variables["DELIVERY_RUN"] != once


async def test_a_rehearsal_tells_and_a_saved_plan_is_what_was_judged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    handed = Handed(monkeypatch)
    told = await delivering.rehearse(PLAN, environment(), repository(), NOBODY)
    assert told == "a line\nshop: 3 of 3"
    assert handed.args[-1] == "--dry-run"
    saved = await delivering.save(PLAN, environment(), repository(), NOBODY)
    assert handed.args[-2:] == ["--dry-run", "--save=/saved/plan.json"]
    assert await saved.contents() == "/saved/plan.json"


async def applied(
    monkeypatch: pytest.MonkeyPatch, *only: str, order: Order | None = None, **near: object
) -> Handed:
    """Apply a saved plan, as Ann, who is approved by nobody, if nothing else is said."""
    handed = Handed(monkeypatch)
    files = repository(**{ENVIRONMENT: changed(ENVIRONMENT_TEXT, **near)})
    saved = json.dumps({**json.loads(PLAN), "objects": [{"kind": "Service", "metadata": {}}]})
    access = Access(
        RegistryAccess(None, "", None), ClusterAccess(dag.set_secret("kubeconfig", "x"), None)
    )
    await apply(
        Source(files, repository(), ""),
        access,
        "near",
        Request(only=only),
        order or Order(by="Ann"),
        dag.file("saved.json", saved),
        rehearsed=False,
    )
    return handed


async def test_a_saved_plan_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SavedPlanError, match="it is whole, so neither --only nor --plan goes"):
        await applied(monkeypatch, "shop")


@pytest.mark.parametrize("order", [Order(ref="tag:v1"), Order(reason="because")])
async def test_a_saved_plan_says_itself_what_it_is_and_why(
    order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SavedPlanError, match="--ref and --reason are for plan-release"):
        await applied(monkeypatch, order=order)


async def test_a_saved_plan_of_no_commit_is_refused_where_refs_are_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(AdmissionError, match="this is no commit"):
        await applied(monkeypatch, refs=["branch:main"])


async def test_publishing_and_planning_ask_who_does_it() -> None:
    files = repository(**{ENVIRONMENT: changed(ENVIRONMENT_TEXT, deployers=["Ann"])})
    where, bob = Source(files, repository(), ""), Order(by="Bob")
    server = dag.container().as_service()
    registry = RegistryAccess(server, "", None)
    access = Access(registry, ClusterAccess(dag.set_secret("kubeconfig", "x"), None))
    for work in (
        publish(where, registry, "near", Request(), bob),
        plan_release(where, access, "near", Request(), bob),
    ):
        with pytest.raises(AdmissionError, match="Bob may not deliver here"):
            await work


@pytest.mark.parametrize("commits", [True, False])
async def test_only_what_commits_gets_git(commits: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    handed = Handed(monkeypatch)
    token = GitAccess(dag.set_secret("git", "token"))
    kept = environment(mode="gitops", gitops={"repository": "https://git.example/x"})
    await delivering.deliver(
        PLAN, kept, repository(), ClusterAccess(None, None, token), commits=commits
    )
    assert ("DELIVERY_GIT_TOKEN_FILE" in handed.variables) is commits


async def test_a_saved_plan_takes_an_approval_where_one_is_required(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert (await applied(monkeypatch)).variables["DELIVERY_WHO"] == "Ann"
    with pytest.raises(AdmissionError, match="nobody has approved this"):
        await applied(monkeypatch, approval="required")


async def test_a_saved_plan_of_another_environment_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(SavedPlanError, match="not for 'near' in 'elsewhere'"):
        await applied(monkeypatch, namespace="elsewhere")


ADDRESSES = "manifests/addresses.yaml"
ADDRESSES_TEXT = """\
repository: https://git.example/shop.git
branch: main
files: https://git.example/shop/blob/main
grafana: https://grafana.example
"""
PROMISE = "manifests/monitoring/slo/shop.yaml"
PROMISE_TEXT = """\
name: shop
window_days: 30
success: 99.9
latency: {percent: 99, milliseconds: 250}
handlers: [/]
path: /
"""
STALE = "manifests/monitoring/rules/gone.yaml"


async def test_what_follows_from_the_catalogue_is_made_once_and_what_is_left_behind_goes() -> None:
    runbook = "manifests/monitoring/runbooks/RequestsUncounted.md"
    files = {ADDRESSES: ADDRESSES_TEXT, PROMISE: PROMISE_TEXT, STALE: "x", runbook: "our own words"}
    changes = await derive_manifests(Source(repository(**files), repository(), ""))
    added = await changes.added_paths()
    assert "manifests/monitoring/rules/shop.yaml" in added
    assert await changes.removed_paths() == [STALE]
    after = changes.after()
    assert await after.file(runbook).contents() == "our own words"
    assert await after.file(PROMISE).contents() == PROMISE_TEXT
    again = await derive_manifests(Source(after, repository(), ""))
    assert await again.is_empty()


async def test_a_repository_that_does_not_say_where_it_is_reached_is_told_so() -> None:
    with pytest.raises(DocumentError, match=f"{ADDRESSES}: is missing"):
        await derive_manifests(Source(repository(), repository(), ""))


async def test_a_report_has_a_summary_for_people_and_one_for_programs() -> None:
    written = _summed_up("all good\n", [StageResult(service="", stage="x", status=Status.PASSED)])
    assert sorted(await written.entries()) == ["report.json", "summary.txt"]
    assert await written.file("summary.txt").contents() == "all good\n"
    assert '"version": 1' in await written.file("report.json").contents()
