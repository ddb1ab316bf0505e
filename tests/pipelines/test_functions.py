"""What every function of Shipyard makes of its arguments."""

import pytest
from dagger.mod._exceptions import FunctionError

from pipelines.functions import request


@pytest.mark.parametrize("only", [[], [""], ["backend", " "]])
def test_only_of_nothing_is_not_taken_for_everything(only: list[str]) -> None:
    """A variable that is empty would deliver every service."""
    with pytest.raises(FunctionError, match="--only names no service"):
        request(only)


def test_without_only_all_services_are_meant() -> None:
    assert request(None).only == ()
    assert request(["backend"]).only == ("backend",)
