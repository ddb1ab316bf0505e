"""What stages read from their tools and write for them."""

import json

from pipelines.catalog import parse_environment, parse_service
from pipelines.model import Commit
from pipelines.stages.build import image_config, parse_image
from pipelines.stages.commit import parse_commit
from pipelines.stages.deliver import Release
from pipelines.stages.deliver import summarize as summarize_delivery
from pipelines.stages.deliver import words, write_plan
from pipelines.stages.test import summarize
from tests.pipelines.test_catalog import LOCAL, ROOT, SERVICE

BACKEND = parse_service(SERVICE, (ROOT / SERVICE).read_text())
ENVIRONMENT = parse_environment(LOCAL, (ROOT / LOCAL).read_text())
REVISION = "0123456789abcdef0123456789abcdef01234567"


def test_a_clean_commit_is_read() -> None:
    commit = parse_commit(f"{REVISION} 1700000000\n", [BACKEND])
    assert commit == Commit(revision=REVISION, time=1700000000, dirty=frozenset())
    assert commit.version("backend") == "0123456789ab"


def test_changed_new_and_moved_files_make_their_service_dirty() -> None:
    for line in (
        " M services/backend/app.py",
        "?? services/backend/new.py",
        "R  docs/a.py -> services/backend/a.py",
        '?? "services/backend/\\303\\251.py"',
    ):
        commit = parse_commit(f"{REVISION} 1700000000\n{line}\n", [BACKEND])
        assert commit.version("backend") == "0123456789ab-dirty", line
        assert commit.full_version("backend") == f"{REVISION}-dirty"


def test_what_is_outside_of_a_service_leaves_it_clean() -> None:
    commit = parse_commit(f"{REVISION} 1700000000\n M services/backend2/app.py\n", [BACKEND])
    assert commit.dirty == frozenset()


def test_outside_of_a_repository_there_is_no_revision() -> None:
    commit = parse_commit("\n", [BACKEND])
    assert (commit.revision, commit.time) == ("", 0)
    assert commit.version("backend") == "uncommitted"
    assert image_config(BACKEND, commit)["created"] == "1970-01-01T00:00:00Z"


def test_the_image_says_where_it_comes_from_and_runs_as_nobody_special() -> None:
    described = image_config(BACKEND, Commit(revision=REVISION, time=0, dirty=frozenset()))
    config = described["config"]
    assert isinstance(config, dict)
    assert config["User"] == "10001:10001"
    assert config["Entrypoint"][0] == "/usr/bin/tini"
    assert config["Labels"]["org.opencontainers.image.revision"] == REVISION
    assert config["Labels"] == described["annotations"]
    assert "PORT=5000" in config["Env"]
    assert "/api/health" in config["Healthcheck"]["Test"][-1]


def test_the_packers_words_become_an_image() -> None:
    image = parse_image(BACKEND, '{"digest": "sha256:aa", "unpacked": 3, "compressed": 2}')
    assert image.reference("localhost:5000/b") == "localhost:5000/b@sha256:aa"


def test_pytest_is_shortened_to_one_line() -> None:
    output = (
        "TOTAL      47      0      0      0   100%\n"
        "Required test coverage of 100% reached.\n"
        "===== 9 passed, 1 skipped in 0.07s =====\n"
    )
    assert summarize(output) == "9 passed, 1 skipped, 100% covered"
    assert summarize("odd") == ""


def test_the_plan_is_what_delivery_reads() -> None:
    from delivery.plan import Action

    commit = Commit(revision=REVISION, time=0, dirty=frozenset())
    release = Release(BACKEND, "localhost:5000/shipyard/backend@sha256:aa")
    plan = json.loads(write_plan("deploy", ENVIRONMENT, [release], commit))
    assert plan["version"] == 1
    assert Action(plan["action"]) is Action.DEPLOY
    assert plan["services"][0]["image"].endswith("@sha256:aa")


def test_a_failed_delivery_is_told_without_its_result_for_programs() -> None:
    assert words('it crashes\n{"outcome": "RolloutError"}\nbye\n') == "it crashes\nbye\n"


def test_the_summary_of_a_delivery_is_in_the_last_line() -> None:
    assert summarize_delivery('noise\n{"summary": "backend: 3 of 3"}\n') == "backend: 3 of 3"
