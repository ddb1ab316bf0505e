"""Admission: what an environment forbids is refused before anything is built, with the rule and the way out."""

from typing import Any

import pytest

from pipelines.flows.admission import (
    AdmissionError,
    check_approval,
    check_commit,
    check_deployer,
    check_ref,
    judge_planned,
)
from pipelines.model import Environment, Order, Standing
from tests.pipelines.examples import REVISION, environment
from tests.pipelines.flows.boards import source

PRODUCTION = environment(refs=["tag:v*"], approval="required", deployers=["Ann Bee", "ci"])
STAGING = environment(refs=["branch:main", "branch:release/*"])
MAIN = frozenset({"branch:main"})
RELEASED = frozenset({"branch:main", "tag:v1.2.3"})


def at(*refs: str, **facts: Any) -> Standing:
    """Stand at a commit that is these refs."""
    everything = frozenset(refs) | facts.pop("known", frozenset())
    return Standing(revision=REVISION, at=frozenset(refs), known=everything, **facts)


def refusal(near: Environment, standing: Standing, claimed: str = "") -> list[str]:
    """Be refused; give what is said, the rule, and the way out."""
    with pytest.raises(AdmissionError) as caught:
        check_ref(near, standing, claimed)
    said = str(caught.value).splitlines()
    assert len(said) == 3
    assert said[0].startswith("near: ")
    assert said[0].endswith(". Nothing was built or changed.")
    assert said[1].startswith("  Rule: refs are ")
    assert "manifests/environments/near/environment.yaml" in said[1]
    assert said[2].startswith("  Way out: ")
    return said


@pytest.mark.parametrize(
    ("near", "refs"),
    [
        (PRODUCTION, ["tag:v1"]),
        (PRODUCTION, ["branch:main", "tag:v1.2.3"]),
        (STAGING, ["branch:main"]),
        (STAGING, ["branch:feature", "branch:release/2027-01"]),
    ],
)
def test_a_commit_of_a_ref_that_is_taken_gets_in(near: Environment, refs: list[str]) -> None:
    check_ref(near, at(*refs))


@pytest.mark.parametrize(
    ("near", "refs", "told"),
    [
        (PRODUCTION, ["branch:main"], "is branch:main"),
        (PRODUCTION, ["tag:x1", "branch:v1"], "is branch:v1, tag:x1"),
        (STAGING, ["branch:mainly"], "is branch:mainly"),
        (STAGING, ["tag:main"], "is tag:main"),
        (STAGING, [], "is no branch and no tag"),
    ],
)
def test_any_other_commit_is_told_what_it_is(near: Environment, refs: list[str], told: str) -> None:
    said = refusal(near, at(*refs))
    assert said[0].startswith(f"near: commit 0123456789ab {told}.")
    assert ", ".join(near.refs) in said[1]


def test_what_is_no_commit_gets_in_nowhere_where_refs_are_named() -> None:
    said = refusal(STAGING, Standing(revision=""))
    assert "this is no commit" in said[0]
    assert "clone" in said[2]
    refusal(STAGING, Standing(revision=""), "branch:main")


def test_files_that_are_not_the_commits_are_named() -> None:
    files = tuple(f"services/shop/{number}.py" for number in range(7))
    said = refusal(STAGING, at("branch:main", differing=files))
    assert "services/shop/0.py" in said[0]
    assert "services/shop/4.py and 2 more" in said[0]
    assert "only what is committed gets in" in said[1]
    one = refusal(STAGING, at("branch:main", differing=files[:1]))
    assert one[0].endswith("services/shop/0.py. Nothing was built or changed.")


@pytest.mark.parametrize("claimed", ["tag:v1.2.3", "refs/tags/v1.2.3"])
def test_a_claimed_tag_has_to_be_at_the_commit(claimed: str) -> None:
    check_ref(PRODUCTION, at("tag:v1.2.3"), claimed)
    said = refusal(PRODUCTION, at("branch:main", known=RELEASED), claimed)
    assert "is not tag:v1.2.3, whatever --ref says" in said[0]
    assert "whatever --ref says" in refusal(PRODUCTION, at("branch:main"), claimed)[0]


@pytest.mark.parametrize("claimed", ["branch:main", "refs/heads/main"])
def test_a_claimed_branch_has_to_contain_the_commit(claimed: str) -> None:
    """CI checks a commit out while the branch may have moved on already."""
    check_ref(STAGING, at("branch:main"), claimed)
    check_ref(STAGING, at(known=MAIN, within=MAIN), claimed)
    said = refusal(STAGING, at(known=MAIN), claimed)
    assert "is not branch:main, whatever --ref says" in said[0]


def test_where_history_is_cut_off_or_the_branch_is_unknown_the_claim_counts() -> None:
    check_ref(STAGING, at(known=MAIN, partial=True), "branch:main")
    check_ref(STAGING, at(), "branch:main")


def test_a_claim_says_which_of_several_refs_is_meant() -> None:
    assert "is branch:main" in refusal(PRODUCTION, at(*RELEASED), "branch:main")[0]


@pytest.mark.parametrize(
    "claimed", ["main", "refs/pull/7/merge", "pull:7", "refs/remotes/origin/HEAD"]
)
def test_a_claim_is_a_branch_or_a_tag(claimed: str) -> None:
    said = refusal(STAGING, at("branch:main"), claimed)
    assert f"--ref={claimed} is neither a branch nor a tag" in said[0]


async def test_nonsense_is_refused_also_where_any_ref_gets_in() -> None:
    with pytest.raises(AdmissionError, match="--ref=nonsense is neither a branch nor a tag"):
        await check_commit(source(), environment(), (), Order(ref="nonsense"))
    await check_commit(source(), environment(), (), Order(ref="branch:any"))


def test_an_approval_is_asked_for_where_it_is_required() -> None:
    check_approval(environment(), Order())
    check_approval(PRODUCTION, Order(approved_by="Ann Bee"))
    for empty in ("", " "):
        with pytest.raises(AdmissionError) as caught:
            check_approval(PRODUCTION, Order(approved_by=empty))
        assert "near: nobody has approved this" in str(caught.value)
        assert "Rule: approval: required" in str(caught.value)
        assert "--approved-by=NAME" in str(caught.value)


def test_only_deployers_deliver_where_they_are_named() -> None:
    check_deployer(environment(), "")
    check_deployer(PRODUCTION, "Ann Bee")
    for by, told in (("Bob", "Bob may not deliver here"), ("", "it is not known who delivers")):
        with pytest.raises(AdmissionError) as caught:
            check_deployer(PRODUCTION, by)
        assert f"near: {told}" in str(caught.value)
        assert "Rule: deployers are Ann Bee, ci" in str(caught.value)


def test_the_commit_of_a_saved_plan_is_asked_for_again() -> None:
    assert judge_planned(PRODUCTION, at("tag:v1"), REVISION) == ""
    assert judge_planned(STAGING, at(within=MAIN), REVISION) == ""
    for near, standing in ((PRODUCTION, at("branch:main")), (STAGING, at("branch:x"))):
        with pytest.raises(AdmissionError, match="commit 0123456789ab is branch:"):
            judge_planned(near, standing, REVISION)


def test_a_saved_plan_of_no_commit_gets_in_nowhere_where_refs_are_named() -> None:
    with pytest.raises(AdmissionError, match="this is no commit"):
        judge_planned(STAGING, Standing(revision=""), "")


def test_a_saved_plans_commit_that_git_does_not_have_here_is_told() -> None:
    told = judge_planned(PRODUCTION, Standing(revision=""), REVISION)
    assert told.startswith(f"The plan is of commit {REVISION}, which git does not have here")
    assert "tag:v*" in told
