"""What a run is about: everything that was chosen, when no revision was named."""

from pipelines.flows.selection import Request, changed, nothing_changed
from tests.pipelines.examples import service
from tests.pipelines.flows.boards import source


async def test_without_a_revision_nothing_is_asked_and_all_stay() -> None:
    """There is no engine here that could be asked."""
    chosen = [service("shop"), service("cart")]
    assert await changed(source(), chosen, Request(only=("shop",))) == tuple(chosen)


def test_a_run_with_nothing_to_do_names_the_revision() -> None:
    told = nothing_changed(Request(since="origin/main"))
    assert told == "No service differs from origin/main: nothing to do.\n"
