"""The address of a repository: which ways to it there are, and which of them may carry a token."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from delivery.errors import PlanError

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_SCP = re.compile(r"(?:[A-Za-z0-9._-]+@)?(?P<host>[A-Za-z0-9.-]+):(?!/)(?P<path>[^\s:]+)")
_KEY = "plan.gitops.repository"
_ALLOWED = "https://host/path, ssh://git@host/path, git@host:path or an absolute path"


@dataclass(frozen=True)
class Address:
    """An address as git takes it."""

    url: str
    scheme: str
    host: str

    @property
    def takes_token(self) -> bool:
        """Whether a token may be sent there: nobody on the way can read it."""
        return self.scheme == "https" or (self.scheme == "http" and self.host in _LOOPBACK)


def read_address(repository: str) -> Address:
    """Read an address; raise PlanError, without repeating a secret that stands in it."""
    if repository.startswith("/"):
        return Address(f"file://{repository}", "file", "")
    parts = urlsplit(repository)
    if parts.scheme in ("https", "http", "ssh", "file") and "://" in repository:
        if parts.password or (parts.username and parts.scheme != "ssh"):
            raise PlanError(f"{_KEY} holds a password or a user; see Credentials in docs/gitops.md")
        if re.search(r"[\s\x00-\x1f]", repository) or not (
            parts.hostname or parts.scheme == "file"
        ):
            raise PlanError(f"{_KEY} is {repository!r}, not {_ALLOWED}")
        return Address(repository, parts.scheme, parts.hostname or "")
    found = _SCP.fullmatch(repository)
    if found and not repository.startswith("-"):
        return Address(repository, "ssh", found["host"])
    raise PlanError(f"{_KEY} is {repository!r}, not {_ALLOWED}")
