"""A shallow clone of one branch, in a temporary folder that goes with the run.

What is committed here and not pushed is gone with it, so a run that is killed before its push leaves nothing.
A push is never forced: the branch is moved on only from where it was seen.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from delivery.errors import PreflightError
from delivery.gitops.address import Address, read_address
from delivery.gitops.credentials import read_credentials
from delivery.gitops.git import Git, GitError, patiently
from delivery.modes import GitOps

DEPTH = 50
DEEPER = 1000
"""Commits that are fetched at first, and at once when those are not enough."""
_RACES = (
    "(fetch first)",
    "(non-fast-forward)",
    "(stale info)",
    "(failed to update ref)",
    "(incorrect old value provided)",
    "(reference already exists)",
    "cannot lock ref",
    "failed to lock",
)
"""What a server says when somebody else was faster."""


class Outrun(Exception):  # noqa: N818  a state of affairs, not a defect
    """Somebody else pushed first; nothing of ours arrived."""


@dataclass(frozen=True)
class Commit:
    """One commit of the branch."""

    id: str
    author: str
    message: str

    @property
    def short(self) -> str:
        """Its id, as people write it."""
        return self.id[:10]


class Repository:
    """The clone; `head` is the remote's commit that it stands on."""

    def __init__(self, git: Git, address: Address, branch: str) -> None:
        self._git, self._branch = git, branch
        self.address, self.head = address, ""

    @property
    def folder(self) -> Path:
        """Where the files are."""
        return self._git.folder

    @property
    def tracking(self) -> str:
        """What the remote's branch is called here."""
        return f"refs/remotes/origin/{self._branch}"

    def refresh(self) -> None:
        """Stand where the branch is now; drop what was changed or committed here."""
        self.head = self.look()
        self._git.run("checkout", "--quiet", "--force", "-B", self._branch, self.head)
        self._git.run("clean", "--quiet", "-ffdx")

    def look(self) -> str:
        """Ask where the branch is now, without moving; return the commit."""
        refs = f"+refs/heads/{self._branch}:{self.tracking}"
        patiently(lambda: self._git.run("fetch", "--quiet", "--no-tags", "origin", refs))
        return self._git.run("rev-parse", "--verify", f"{self.tracking}^{{commit}}").strip()

    def text(self, commit: str, path: str) -> str:
        """Read a file as it was at a commit; raise GitError when it was not there."""
        return self._git.run("show", f"{commit}:{path}")

    def commit(self, path: str, message: str) -> str:
        """Commit one file; return the commit's id."""
        flags = ("--quiet", "--no-verify", "--cleanup=verbatim", "--file=-")
        self._git.run("commit", *flags, "--", path, stdin=message)
        return self._git.run("rev-parse", "HEAD").strip()

    def push(self) -> None:
        """Push; raise Outrun when the branch has moved, GitError when it is refused or nobody knows."""
        target = f"HEAD:refs/heads/{self._branch}"
        told = self._git.run("push", "--porcelain", "origin", target, good=(0, 1))
        refused = [line.split("\t")[-1] for line in told.splitlines() if line.startswith("!")]
        if not refused and told.endswith("Done\n"):
            return
        why = refused[0] if refused else "no word of why"
        if any(race in why for race in _RACES):
            raise Outrun(why)
        raise GitError(f"git push: the server refuses: {why}", passing=False)

    def contains(self, commit: str) -> bool:
        """Tell whether the remote's branch, as it was last seen, has a commit."""
        between = self._git.run("rev-list", f"--max-count={DEEPER}", self.tracking)
        return commit in between.split()

    def log(self, path: str, since: str = "") -> Iterator[Commit]:
        """List the commits that changed a file, after `since` if given, the newest first, as far as the clone goes."""
        span = f"{since}..{self.tracking}" if since else self.tracking
        told = self._git.run("log", "-z", "--format=%H%n%an%n%B", span, "--", path)
        for each in told.split("\0"):
            if each.strip():
                commit, author, message = each.split("\n", 2)
                yield Commit(commit, author, message)

    def deepen(self) -> bool:
        """Fetch more of the history; False when there is no more."""
        if not (self.folder / ".git/shallow").exists():
            return False
        patiently(
            lambda: self._git.run("fetch", "--quiet", "--no-tags", f"--deepen={DEEPER}", "origin")
        )
        return True

    def difference(self) -> str:
        """Show what was changed here and not committed."""
        return self._git.run("diff", "--no-color", "--no-ext-diff")


@contextmanager
def cloned(settings: GitOps) -> Iterator[Repository]:
    """Clone the branch; raise PlanError for the address, PreflightError when it cannot be had."""
    address = read_address(settings.repository)
    with tempfile.TemporaryDirectory(prefix="gitops-") as name:
        home = Path(name).resolve()
        folder = home / "clone"
        credentials = read_credentials(address, home)
        git = Git(home, home, credentials)
        flags = ("--quiet", "--no-tags", "--single-branch", "--template=", f"--depth={DEPTH}")
        command = ("clone", *flags, f"--branch={settings.branch}", "--", address.url, "clone")
        try:
            patiently(lambda: git.run(*command))
            repository = Repository(Git(folder, home, credentials), address, settings.branch)
            repository.refresh()
        except GitError as error:
            told = f"branch {settings.branch} of {address.url} cannot be had, nothing was changed"
            raise PreflightError(f"{told}: {error}") from error
        yield repository
