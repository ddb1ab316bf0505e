"""The commit: what git said about the work tree, and what a version is called."""

import pytest

from pipelines.model import Commit
from pipelines.stages.commit import parse_commit
from tests.pipelines.examples import REVISION, service

SHOP = service("shop")


def test_a_clean_commit_is_read() -> None:
    commit = parse_commit(f"{REVISION} 1700000000\n", [SHOP])
    assert commit == Commit(revision=REVISION, time=1700000000, dirty=frozenset())
    assert commit.version("shop") == "0123456789ab"
    assert commit.full_version("shop") == REVISION


@pytest.mark.parametrize(
    "line",
    [
        " M services/shop/app.py",
        "?? services/shop/new.py",
        " D services/shop/old.py",
        "R  docs/a.py -> services/shop/a.py",
        '?? "services/shop/\\303\\251.py"',
    ],
)
def test_changed_new_and_moved_files_make_their_service_dirty(line: str) -> None:
    commit = parse_commit(f"{REVISION} 1700000000\n{line}\n", [SHOP, service("cart")])
    assert commit.version("shop") == "0123456789ab-dirty"
    assert commit.full_version("shop") == f"{REVISION}-dirty"
    assert commit.version("cart") == "0123456789ab"


@pytest.mark.parametrize("path", ["services/shop2/app.py", "docs/services/shop/a", "services/a"])
def test_what_is_outside_of_a_service_leaves_it_clean(path: str) -> None:
    assert parse_commit(f"{REVISION} 1700000000\n M {path}\n", [SHOP]).dirty == frozenset()


def test_outside_of_a_repository_there_is_no_revision() -> None:
    commit = parse_commit("\n", [SHOP])
    assert (commit.revision, commit.time) == ("", 0)
    assert commit.version("shop") == "uncommitted"
    assert commit.full_version("shop") == ""
