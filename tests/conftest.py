"""How the tests are shared out between processes: the long end-to-end line first, beside it file after file."""

from __future__ import annotations

import pytest

_LONG = "e2e"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep what shares a machine, and each file, in one process (`-n 2 --dist loadgroup`); begin with the longest."""
    for item in items:
        group = _LONG if item.get_closest_marker(_LONG) else item.nodeid.partition("::")[0]
        item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: item.get_closest_marker(_LONG) is None)
