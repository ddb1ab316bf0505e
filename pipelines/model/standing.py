"""Where a work tree stands in its history: its commit, the branches and tags at it, and what differs from it."""

from dataclasses import dataclass

_SHORT = 12


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What git tells; refs are written `branch:NAME` and `tag:NAME`, whether here or of a remote.

    `at` point at the commit, `within` are branches that contain it, `known` is every ref that git has here.
    `partial` says that history was cut off, so that `within` may lack some. `differing` are files that are
    not the commit's. Outside of a repository `revision` is empty.
    """

    revision: str
    at: frozenset[str] = frozenset()
    within: frozenset[str] = frozenset()
    known: frozenset[str] = frozenset()
    partial: bool = False
    differing: tuple[str, ...] = ()

    @property
    def short(self) -> str:
        """The revision as people say it."""
        return self.revision[:_SHORT]
