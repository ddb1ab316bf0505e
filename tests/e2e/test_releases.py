"""Releases on a shipped machine, by the command line: blue-green, what stops a bad one, and the ways back."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.conftest import Shipped
from tests.e2e.workplace import Done

pytestmark = [pytest.mark.e2e, pytest.mark.root, pytest.mark.timeout(900)]
NAMESPACE = "shipyard-local"
APP, OTHER = "sample-app", "sample2-app"
ONLY = ("--env=local", f"--only={APP}")
USERS = 4
REFUSED, BROKEN, BLOCKED, NOTICED = 3, 4, 6, 7
"""Exit codes of a delivery; docs/delivery.md has them all."""
MAIN, ITEMS = "src/main.js", "src/endpoints/items.js"
ROOT, ROOT_TEST = "src/endpoints/root.js", "src/endpoints/root.test.js"


class Users:
    """People who ask for the application all the time, and what they were answered."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._over = threading.Event()
        self.answers: list[tuple[int, str]] = []

    def ask_until_over(self) -> None:
        """Ask again and again, on a new connection each time."""
        while not self._over.is_set():
            try:
                with urllib.request.urlopen(self._address, timeout=10) as answer:
                    told = json.load(answer).get("release", "first")
                    self.answers.append((answer.status, told))
            except urllib.error.HTTPError as error:
                self.answers.append((error.code, ""))
            except OSError as error:
                self.answers.append((0, str(error)))
            time.sleep(0.01)

    def go_home(self) -> None:
        """Let them stop."""
        self._over.set()

    @property
    def statuses(self) -> set[int]:
        """The statuses that they got; 0 where there was no answer."""
        return {status for status, _ in self.answers}

    @property
    def releases(self) -> list[str]:
        """The releases that they saw, each at its first time."""
        return list(dict.fromkeys(release for _, release in self.answers))


@contextmanager
def users(shipped: Shipped) -> Iterator[Users]:
    """Let people use the application meanwhile."""
    crowd = Users(f"{shipped.place.ingress}/{APP}/")
    threads = [threading.Thread(target=crowd.ask_until_over) for _ in range(USERS)]
    for thread in threads:
        thread.start()
    try:
        yield crowd
    finally:
        crowd.go_home()
        for thread in threads:
            thread.join()


@pytest.fixture(scope="module")
def first(shipped: Shipped) -> Iterator[Shipped]:
    """Begin with the checkout's release; leave with it, whatever the tests made of it."""
    yield shipped
    shipped.call("unfreeze", "--env=local")
    done = shipped.call("deploy", *ONLY)
    assert done.code == 0, done.text[-3000:]


def release(shipped: Shipped, name: str) -> Path:
    """Make a copy of the repository whose application says the name of a release."""
    copy = shipped.variant(f"release-{name}")
    edit(copy, ROOT, "environment, version }", f'environment, version, release: "{name}" }}', 2)
    told = 'version: "1.2.3",\n'
    edit(copy, ROOT_TEST, told, f'{told}      release: "{name}",\n')
    return copy


def edit(copy: Path, file: str, old: str, new: str, at: int = 1) -> None:
    """Replace one place of the application's code, the last of `at`."""
    path = copy / "services" / APP / file
    pieces = path.read_text().split(old)
    assert len(pieces) == at + 1, file
    path.write_text(old.join(pieces[:-1]) + new + pieces[-1])


def deploy(shipped: Shipped, copy: Path) -> Done:
    """Deliver the application alone."""
    return shipped.call("deploy", *ONLY, cwd=copy)


def running(shipped: Shipped) -> str:
    """Ask who answers."""
    return str(json.loads(shipped.place.get(f"/{APP}/")[1]).get("release", "first"))


def colour(shipped: Shipped, name: str = APP) -> str:
    """Ask the cluster which colour a Service selects."""
    template = r"jsonpath={.spec.selector.shipyard\.dev/colour}"
    return shipped.kubectl("-n", NAMESPACE, "get", "service", name, "-o", template).stdout


def replicas(shipped: Shipped, name: str) -> int:
    """Ask the cluster how many pods a Deployment wants."""
    template = "jsonpath={.spec.replicas}"
    return int(shipped.kubectl("-n", NAMESPACE, "get", "deployment", name, "-o", template).stdout)


def idle(shipped: Shipped) -> str:
    """Name the Deployment that users do not reach."""
    return f"{APP}-{'green' if colour(shipped) == 'blue' else 'blue'}"


def test_a_release_is_one_switch_and_the_way_back_another(first: Shipped) -> None:
    """Nobody gets an error or an older release after a newer one; the other application is not touched."""
    before, other = colour(first), colour(first, OTHER)
    copy = release(first, "two")
    with users(first) as crowd:
        done = deploy(first, copy)
        assert done.code == 0, done.text[-6000:]
        switched = colour(first)
        back = first.call("rollback", *ONLY)
    assert back.code == 0, back.text[-6000:]
    assert crowd.statuses == {200}
    assert crowd.releases == ["first", "two"]
    assert {before, switched} == {"blue", "green"}
    assert colour(first) == before
    assert colour(first, OTHER) == other
    assert running(first) == "first"


def test_nobody_goes_back_twice(first: Shipped) -> None:
    again = first.call("rollback", *ONLY)
    assert again.code == REFUSED
    assert "rollback of a rollback" in again.stderr
    assert f"Again, this alone: dagger call rollback --env=local --only={APP}\n" in again.stderr
    assert running(first) == "first"


def test_the_history_tells_who_what_and_how_it_went(first: Shipped) -> None:
    told = first.call("history", *ONLY)
    assert told.code == 0, told.text
    assert "rolled back" in told.stdout
    assert "sha256:" in told.stdout


def test_a_release_that_crashes_is_seen_by_nobody(first: Shipped) -> None:
    serving = colour(first)
    copy = release(first, "crash")
    edit(copy, MAIN, "\nawait started;", '\nthrow new Error("planted crash");')
    with users(first) as crowd:
        done = deploy(first, copy)
    assert done.code == BROKEN
    assert "CrashLoopBackOff" in done.stderr
    assert "planted crash" in done.stderr
    assert crowd.statuses == {200}
    assert crowd.releases == ["first"]
    assert colour(first) == serving
    assert replicas(first, idle(first)) == 0


def test_a_release_that_answers_errors_is_seen_by_nobody(first: Shipped) -> None:
    serving = colour(first)
    copy = release(first, "errors")
    edit(copy, ITEMS, "response.json({ items: ITEMS, count: ITEMS.length });", "throw new Error();")
    with users(first) as crowd:
        done = deploy(first, copy)
    assert done.code == BLOCKED
    assert "gate items: fail" in done.stderr
    assert crowd.statuses == {200}
    assert crowd.releases == ["first"]
    assert colour(first) == serving
    assert replicas(first, idle(first)) == 0


def test_a_frozen_environment_takes_nothing_new(first: Shipped) -> None:
    frozen = first.call("freeze", "--env=local", "--reason=a migration runs")
    assert frozen.code == 0, frozen.text
    done = deploy(first, release(first, "frozen"))
    assert done.code == REFUSED
    assert "a migration runs" in done.stderr
    assert "unfreeze" in done.stderr
    assert "a migration runs" in first.call("status", *ONLY).stdout
    assert first.call("unfreeze", "--env=local").code == 0


def test_what_was_planned_is_what_is_delivered(first: Shipped) -> None:
    """The dry run changes nothing; the saved plan is delivered though the checkout went on."""
    serving = colour(first)
    copy = release(first, "planned")
    told = first.call("deploy", *ONLY, "--dry-run", cwd=copy)
    assert told.code == 0, told.text[-6000:]
    assert f"+++ release/{idle(first)}" in told.text
    saved = first.place.root / "plan.json"
    made = first.call("plan-release", *ONLY, "-o", str(saved), cwd=copy)
    assert made.code == 0, made.text[-6000:]
    assert colour(first) == serving
    assert running(first) == "first"
    edit(copy, ROOT, '"planned"', '"something else"')
    done = first.call("deploy", "--env=local", f"--saved-plan={saved}", cwd=copy)
    assert done.code == 0, done.text[-6000:]
    assert running(first) == "planned"


def test_a_release_waits_for_its_promotion(first: Shipped) -> None:
    """First it is taken away, then made again and promoted; until then nobody sees it."""
    copy = release(first, "manual")
    path = copy / "manifests" / "environments" / "local" / "environment.yaml"
    path.write_text(
        path.read_text().replace("watch_seconds: 5,", "watch_seconds: 5, promote: manual,")
    )
    assert "promote: manual" in path.read_text()
    before = running(first)
    with users(first) as crowd:
        done = deploy(first, copy)
        assert done.code == 0, done.text[-6000:]
        assert "promote" in done.text
        assert first.call("abort", *ONLY, cwd=copy).code == 0
        assert replicas(first, idle(first)) == 0
        assert deploy(first, copy).code == 0
        assert running(first) == before
        promoted = first.call("promote", *ONLY, cwd=copy)
    assert promoted.code == 0, promoted.text[-6000:]
    assert running(first) == "manual"
    assert crowd.statuses == {200}


def test_the_environment_is_looked_over(first: Shipped) -> None:
    health = first.call("health", "--env=local")
    assert health.code == 0, health.text[-6000:]
    assert APP in health.stdout
    preflight = first.call("preflight", "--env=local")
    assert preflight.code == 0, preflight.text[-6000:]
    assert "namespace" in preflight.stdout


def test_a_killed_pod_is_missed_where_it_is_the_only_one(first: Shipped) -> None:
    """A second one makes the difference, and the experiment tells it."""
    alone = first.call("chaos", *ONLY, "--kinds=pod-kill", "--seconds=10")
    assert alone.code == NOTICED
    assert "users would have noticed: pod-kill of sample-app" in alone.stderr
    live = f"deployment/{APP}-{colour(first)}"
    first.kubectl("-n", NAMESPACE, "scale", live, "--replicas=2")
    first.kubectl("-n", NAMESPACE, "rollout", "status", live)
    done = first.call("chaos", *ONLY, "--kinds=pod-kill", "--seconds=10")
    assert done.code == 0, done.text[-6000:]
    assert "pod-kill" in done.stdout
    assert running(first) == "manual"


def test_cleaning_up_everything_needs_a_yes(first: Shipped) -> None:
    done = first.call("cleanup", "--env=local", "--everything")
    assert done.code == REFUSED
    assert "--yes" in done.stderr
    assert f"Deployment {APP}" in done.text.replace("/", " ")
    assert running(first) == "manual"


def test_an_environment_takes_only_what_it_says(first: Shipped) -> None:
    """What is not let in is told before anything is built."""
    copy = release(first, "refs")
    path = copy / "manifests" / "environments" / "local" / "environment.yaml"
    path.write_text(f'{path.read_text()}refs: ["tag:v*"]\napproval: required\n')
    first.place.commit(copy)
    ship = ("ship", *ONLY)
    branch = first.call(*ship, cwd=copy)
    assert branch.code == 1
    assert "refs are tag:v*" in branch.stderr
    assert "branch:main" in branch.stderr
    first.place.git(copy, "tag", "v1.0.0")
    tag = first.call(*ship, cwd=copy)
    assert tag.code == 1
    assert "--approved-by" in tag.stderr
    assert "sample-app: build" not in branch.text + tag.text
    assert running(first) != "refs"
