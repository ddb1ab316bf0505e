"""The commit that a run was made from."""

from dataclasses import dataclass

_SHORT = 12


@dataclass(frozen=True, kw_only=True)
class Commit:
    """A revision with its time; `dirty` names the services whose files differ from it.

    Outside of a repository the revision is empty and the time is 0: the image is then a
    function of its files alone.
    """

    revision: str
    time: int
    dirty: frozenset[str]

    def version(self, service: str) -> str:
        """Name what is built: the short revision, marked where the files are not the commit's."""
        if not self.revision:
            return "uncommitted"
        mark = "-dirty" if service in self.dirty else ""
        return self.revision[:_SHORT] + mark

    def full_version(self, service: str) -> str:
        """Name the whole revision in the same way, empty outside of a repository."""
        mark = "-dirty" if self.revision and service in self.dirty else ""
        return self.revision + mark
