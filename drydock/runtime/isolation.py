"""Isolation (being filled): `isolated_command(argv)` wraps argv in unshare; `enter()` prepares the inside."""

from __future__ import annotations

from collections.abc import Sequence


def isolated_command(argv: Sequence[str]) -> list[str]:
    raise NotImplementedError


def prepare() -> None:
    """Prepare the private mount namespace (cgroup, /run/netns); call first thing inside."""
    raise NotImplementedError
