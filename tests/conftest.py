"""How the tests are shared out between processes: the long end-to-end line in one, in the others file after file."""

from __future__ import annotations

import hypothesis
import pytest
from xdist.scheduler.loadscope import LoadScopeScheduling

_LONG = "tests/e2e/"
# How long one example takes is the machine's doing; pytest's time-out bounds a test.
hypothesis.settings.register_profile("any machine", deadline=None)
hypothesis.settings.load_profile("any machine")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest."""
    items.sort(key=lambda item: not item.nodeid.startswith(_LONG))


class _Shares(LoadScopeScheduling):
    """Keeps the end-to-end tests, which share a machine, in one process, and so the tests of each other file."""

    def _split_scope(self, nodeid: str) -> str:
        return _LONG if nodeid.startswith(_LONG) else nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> _Shares:
    """Share out this way, in the order of the collection."""
    config.option.loadscopereorder = False
    return _Shares(config, log)
