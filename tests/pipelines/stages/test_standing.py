"""Where the work tree stands: refs the way environments name them, and who works here."""

import pytest

from pipelines.stages.standing import (
    UnreadableHistoryError,
    last_name,
    made_from,
    parse_standing,
    short_ref,
)
from tests.pipelines.examples import REVISION, environment, service

ZERO = "0" * 40


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("refs/heads/main", "branch:main"),
        ("refs/heads/feature/x", "branch:feature/x"),
        ("refs/tags/v1", "tag:v1"),
        ("refs/remotes/origin/release/1", "branch:release/1"),
        ("refs/remotes/origin/HEAD", ""),
        ("refs/pull/7/merge", ""),
        ("branch:main", "branch:main"),
        ("tag:v1", "tag:v1"),
        ("main", ""),
    ],
)
def test_refs_are_written_as_environments_name_them(name: str, short: str) -> None:
    assert short_ref(name) == short


def test_every_fact_finds_its_place() -> None:
    told = parse_standing(
        f"commit {REVISION}\nat refs/heads/main\nin refs/heads/main\nhas refs/heads/main\n"
        'has refs/tags/v1\npartial\ndiffers services/shop/a b.py\ndiffers "services/shop/x.py"\n'
    )
    assert (told.revision, told.short) == (REVISION, "0123456789ab")
    assert (told.at, told.within) == ({"branch:main"}, {"branch:main"})
    assert told.known == {"branch:main", "tag:v1"}
    assert told.partial
    assert told.differing == ("services/shop/a b.py", "services/shop/x.py")


@pytest.mark.parametrize(
    ("reflog", "name"),
    [
        (
            f"{ZERO} {REVISION} Ann Bee <ann@example.com> 1700000000 +0100\tcommit: x <y>\n",
            "Ann Bee",
        ),
        (
            f"{ZERO} {REVISION} Ann <a@b> 1 +0000\tclone\n{REVISION} {ZERO} Bob <b@c> 2 +0000\tpull\n",
            "Bob",
        ),
        (f"{ZERO} {REVISION} <a@b> 1 +0000\tclone\n", ""),
        ("", ""),
    ],
)
def test_who_works_here_is_who_moved_head_last(reflog: str, name: str) -> None:
    assert last_name(reflog) == name


def test_a_release_is_made_from_what_its_services_promise_too() -> None:
    """The promise goes into the plan, and with it into the gates: one that is not committed must not get in."""
    assert set(made_from(environment(), [service(), service("cart")])) == {
        *(f"services/{name}" for name in ("shop", "cart")),
        *(f"manifests/apps/{name}" for name in ("shop", "cart")),
        *(f"manifests/monitoring/slo/{name}.yaml" for name in ("shop", "cart")),
        "manifests/environments/near",
        "manifests/components",
    }


def test_a_git_that_fails_is_told_in_its_own_words() -> None:
    told = str(UnreadableHistoryError(128, "fatal: bad object\n"))
    assert "(exit code 128): fatal: bad object. Nothing was built or changed." in told
    assert "git fsck" in told
    assert "it said nothing" in str(UnreadableHistoryError(1, ""))
