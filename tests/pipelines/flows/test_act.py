"""Verbs without an image: what is asked before they run, and how far they go."""

from dataclasses import replace

import pytest

from delivery.__main__ import GITOPS
from pipelines.flows.act import (
    COMMITTING,
    DISTURBANCES,
    LOOKING,
    DisturbanceError,
    PartialCleanupError,
    _admitted,
    bound_chaos,
    bound_cleanup,
)
from pipelines.flows.admission import AdmissionError
from pipelines.flows.selection import Choice, Request
from pipelines.model import Order
from tests.pipelines.examples import environment, service
from tests.pipelines.flows.boards import source

CHOICE = Choice(environment(approval="required", deployers=["Ann"]), (service(),), {})
ANN, BOB = Order(by="Ann"), Order(by="Bob", approved_by="Ann")


@pytest.mark.parametrize("action", LOOKING)
async def test_anybody_may_look(action: str) -> None:
    assert await _admitted(action, source(), CHOICE, Order()) == Order()


@pytest.mark.parametrize(
    "action", ["rollback", "promote", "abort", "freeze", "unfreeze", "cleanup"]
)
async def test_deployers_go_back_and_stop_without_waiting_for_an_approval(action: str) -> None:
    order = (
        bound_cleanup(ANN, Request(), everything=False, confirmed=False)
        if action == "cleanup"
        else ANN
    )
    assert await _admitted(action, source(), CHOICE, order) == order
    with pytest.raises(AdmissionError, match="Bob may not deliver here"):
        await _admitted(action, source(), CHOICE, BOB)


async def test_knocking_and_emptying_take_an_approval_where_one_is_required() -> None:
    emptying = bound_cleanup(ANN, Request(), everything=True, confirmed=True)
    knocking = bound_chaos(ANN, [], 30, 5)
    for action, order in (("cleanup", emptying), ("chaos", knocking)):
        with pytest.raises(AdmissionError, match="nobody has approved this"):
            await _admitted(action, source(), CHOICE, order)


async def test_a_list_of_what_would_be_deleted_waits_for_nobody() -> None:
    listing = bound_cleanup(ANN, Request(), everything=True, confirmed=False)
    assert await _admitted("cleanup", source(), CHOICE, listing) == listing
    with pytest.raises(AdmissionError, match="Bob may not deliver here"):
        await _admitted("cleanup", source(), CHOICE, replace(listing, by="Bob"))


def test_of_the_verbs_without_an_image_the_same_commit_as_in_the_delivery() -> None:
    """What brings images commits as well; every other verb needs no credentials of git."""
    assert {*COMMITTING, "deploy"} == {each.value for each in GITOPS}


@pytest.mark.parametrize("kind", ["fire", ""])
def test_an_unknown_disturbance_lists_the_known_ones(kind: str) -> None:
    with pytest.raises(DisturbanceError) as caught:
        bound_chaos(ANN, ["drain", kind], 30, 5)
    assert str(caught.value) == f"unknown kind of chaos {kind!r}. Known: {', '.join(DISTURBANCES)}"


def test_everything_of_some_services_is_refused() -> None:
    some = Request(only=("backend",))
    with pytest.raises(PartialCleanupError, match="--only does not go with it"):
        bound_cleanup(ANN, some, everything=True, confirmed=True)
    assert bound_cleanup(ANN, some, everything=False, confirmed=True).limits["scope"] == "expired"
