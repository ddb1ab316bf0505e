"""`GitRepository` and `GitRef`: repositories on servers and in directories.

The refs of a server are asked for once per session, when `git` is called; commits are fetched into a
bare mirror per address and from there into trees.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import urlsplit

from drydock.engine.engine import Engine
from drydock.engine.errors import EngineError
from drydock.engine.field import Call, attributes, field
from drydock.engine.git.program import PLAIN, Access, git
from drydock.engine.git.remote import COMMIT, Refs, normalize_url
from drydock.engine.lazy import Lazy
from drydock.engine.process.loopback import loopback_port
from drydock.engine.process.secret_store import Secret, SessionSecrets
from drydock.engine.process.service import SessionServices
from drydock.engine.tree import in_thread
from drydock.engine.tree.edit import TreeEdit
from drydock.runtime.state import remove_tree

from .changeset import Changeset
from .directory import Directory

if TYPE_CHECKING:
    from .service import Service
    from .socket import Socket

_GIT_PORTS = {"http": 80, "https": 443, "git": 9418, "ssh": 22}


@dataclass(frozen=True, eq=False)
class GitRepository:
    """A repository: `url` on a server, or `local` in a directory."""

    graphql_type: ClassVar[str] = "GitRepository"
    refs: Refs
    url: str | None = None
    access: Access = PLAIN
    service: Service | None = None
    services: SessionServices | None = None
    local: Directory | None = None

    @asynccontextmanager
    async def reached(self) -> AsyncIterator[Access]:
        """Lend how to reach the server, through its service if it is one."""
        if self.service is None or self.services is None or self.url is None:
            yield self.access
            return
        parts = urlsplit(self.url)
        port = parts.port or _GIT_PORTS[parts.scheme]
        async with loopback_port(self.services, self.service, port) as local:
            written = f"{parts.scheme}://{parts.netloc}/"
            near = f"{parts.scheme}://127.0.0.1:{local}/"
            yield Access(
                self.access.username,
                self.access.token,
                self.access.header,
                self.access.known_hosts,
                self.access.socket,
                ((written, near),),
            )

    @asynccontextmanager
    async def holding(self, engine: Engine, *commits: str) -> AsyncIterator[Path]:
        """Lend a git directory that holds these commits with their history."""
        if self.local is not None:
            async with self.local.mounted(engine) as place:
                yield place
            return
        if self.url is None:
            raise EngineError("a repository needs an address or a directory")
        mirror = engine.state.root / "git" / hashlib.sha256(self.url.encode()).hexdigest()[:32]
        # Several processes may share the state directory; the lock is let go before anything reads.
        async with _locked(engine, f"git-{mirror.name}"):
            await self._fetch(mirror, commits)
        yield mirror

    async def _fetch(self, mirror: Path, commits: tuple[str, ...]) -> None:
        if not (mirror / "HEAD").exists():
            await in_thread(lambda: mirror.mkdir(parents=True, exist_ok=True))
            await git("init", "-q", "--bare", ".", cwd=mirror)
        # Left by a git that was killed: nobody else works here while the lock is held.
        for stale in await in_thread(lambda: list(mirror.rglob("*.lock"))):
            stale.unlink(missing_ok=True)
        missing = [commit for commit in commits if not await _has(mirror, commit)]
        if not missing or self.url is None:
            return
        async with self.reached() as access:
            refs = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"]
            fetch = ("fetch", "-q", "--no-auto-gc", "--prune", self.url)
            await git(*fetch, *refs, cwd=mirror, access=access)
            for commit in missing:
                if not await _has(mirror, commit):
                    await git(*fetch, commit, cwd=mirror, access=access)


@asynccontextmanager
async def _locked(engine: Engine, name: str) -> AsyncIterator[None]:
    """Hold a lock of the state directory without blocking the loop."""
    lock = engine.state.exclusive(name)
    try:
        await in_thread(lock.__enter__)
        yield
    finally:
        # A cancelled `in_thread` has waited too, so the lock is held here in every case.
        lock.__exit__(None, None, None)


async def _has(mirror: Path, commit: str) -> bool:
    try:
        await git("cat-file", "-e", f"{commit}^{{commit}}", cwd=mirror)
    except EngineError:
        return False
    return True


@dataclass(frozen=True, eq=False)
class GitRef:
    """A commit by the name it was asked for."""

    graphql_type: ClassVar[str] = "GitRef"
    repository: GitRepository
    ref: str
    commit: str


attributes("GitRepository", "url")
attributes("GitRef", "ref", "commit")


@field("Query.git", scoped=True)
async def git_(
    _: object,
    call: Call,
    *,
    url: str,
    keep_git_dir: bool,  # noqa: ARG001 - deprecated
    ssh_known_hosts: str,
    ssh_auth_socket: Socket | None,
    http_auth_username: str,
    http_auth_token: Secret | None,
    http_auth_header: Secret | None,
    experimental_service_host: Service | None,
) -> GitRepository:
    """Return a repository on a server, and ask for its refs."""
    url = normalize_url(url)

    async def text(secret: Secret | None) -> str:
        if secret is None:
            return ""
        return (await call.session.part(SessionSecrets).plaintext(secret)).decode().strip()

    access = Access(
        http_auth_username,
        await text(http_auth_token),
        await text(http_auth_header),
        ssh_known_hosts,
        ssh_auth_socket.address if ssh_auth_socket else "",
    )
    repository = GitRepository(
        Refs({}),
        url,
        access,
        experimental_service_host,
        call.session.part(SessionServices) if experimental_service_host else None,
    )
    refs = await _refs_of(call, repository, url)
    return GitRepository(refs, url, access, experimental_service_host, repository.services)


async def _refs_of(call: Call, repository: GitRepository, url: str) -> Refs:
    folder = call.runtime.state.fresh("git")
    try:
        async with repository.reached() as access:
            listing = await git("ls-remote", "--symref", url, cwd=folder, access=access)
    except EngineError as error:
        error.extensions = {}
        error.mark_lazy(call.span.traceparent)
        raise
    finally:
        await in_thread(remove_tree, folder)
    return Refs.parse(listing)


@field("Directory.asGit")
async def as_git(self: Directory, call: Call) -> GitRepository:
    """Return the repository in a directory."""
    async with self.mounted(call.runtime) as place:
        listing = await git("ls-remote", "--symref", str(place), cwd=place)
        head = await git("symbolic-ref", "-q", "HEAD", cwd=place, accept=(0, 1))
    refs = Refs.parse(listing)
    return GitRepository(Refs(refs.refs, refs.head or head.strip()), local=self)


@field("GitRepository.branches")
def branches(self: GitRepository, _: Call, *, patterns: list[str] | None) -> list[str]:
    """List branches."""
    return self.refs.branches(patterns or ())


@field("GitRepository.tags")
def tags(self: GitRepository, _: Call, *, patterns: list[str] | None) -> list[str]:
    """List tags."""
    return self.refs.tags(patterns or ())


def _ref(self: GitRepository, name: str) -> GitRef:
    full, commit = self.refs.find(name)
    return GitRef(self, full, commit)


@field("GitRepository.head")
def head(self: GitRepository, _: Call) -> GitRef:
    """Return the default branch."""
    return _ref(self, "HEAD")


@field("GitRepository.ref")
def ref(self: GitRepository, _: Call, *, name: str) -> GitRef:
    """Return a branch, tag, full ref or commit."""
    return _ref(self, name)


@field("GitRepository.branch")
def branch(self: GitRepository, _: Call, *, name: str) -> GitRef:
    """Return a branch."""
    return _ref(self, f"refs/heads/{name}")


@field("GitRepository.tag")
def tag(self: GitRepository, _: Call, *, name: str) -> GitRef:
    """Return a tag."""
    return _ref(self, f"refs/tags/{name}")


@field("GitRepository.latestVersion")
def latest_version(self: GitRepository, _: Call) -> GitRef:
    """Return the tag with the highest version."""
    found = self.refs.latest_version()
    if found is None:
        raise EngineError("no valid semantic version tags found")
    return _ref(self, f"refs/tags/{found}")


@field("GitRepository.commit")
async def commit(
    self: GitRepository, call: Call, *, id: str  # noqa: A002 - the field's own word
) -> GitRef:
    """Return a commit by its id."""
    if not re.fullmatch(r"[0-9a-f]{4,64}", id):
        raise EngineError(f'invalid commit id "{id}"')
    if COMMIT.match(id):
        return GitRef(self, id, id)
    async with self.holding(call.runtime, *list(self.refs.refs.values())[:1]) as place:
        full = await git("rev-parse", "--verify", f"{id}^{{commit}}", cwd=place)
    return GitRef(self, full.strip(), full.strip())


@field("GitRef.commonAncestor")
async def common_ancestor(self: GitRef, call: Call, *, other: GitRef) -> GitRef:
    """Return the best common ancestor."""
    commits = (self.commit, other.commit)
    async with self.repository.holding(call.runtime, *commits) as place:
        base = (await git("merge-base", *commits, cwd=place)).strip()
    return GitRef(self.repository, base, base)


@field("GitRef.tree")
def tree(
    self: GitRef, call: Call, *, discard_git_dir: bool, depth: int, include_tags: bool
) -> Directory:
    """Return the files, with a `.git` directory of the wanted depth unless it is discarded."""

    async def apply(root: Path) -> None:
        async with self.repository.holding(call.runtime, self.commit) as source:
            await check_out(self, source, root, depth=depth, tags=include_tags)
        if discard_git_dir:
            await in_thread(remove_tree, root / ".git")

    what = ["git", self.commit, discard_git_dir, depth, include_tags]
    if not discard_git_dir:
        what += [self.repository.url or "", self.ref]
    empty = Lazy.ready("empty", call.runtime.snapshots.empty)
    return Directory(TreeEdit(call.runtime, empty, what, apply, cheap=False))


async def check_out(ref: GitRef, source: Path, root: Path, *, depth: int, tags: bool) -> None:
    """Make a repository at `root` with one commit checked out, fetched from a git directory."""
    await git("init", "-q", ".", cwd=root)
    options = [f"--depth={depth}"] if depth > 0 else []
    options.append("--tags" if tags else "--no-tags")
    await git("fetch", "-q", *options, f"file://{source}", ref.commit, cwd=root)
    branch = ref.ref.removeprefix("refs/heads/")
    if branch != ref.ref:
        await git("checkout", "-q", "-B", branch, ref.commit, cwd=root)
    else:
        await git("checkout", "-q", "--detach", ref.commit, cwd=root)
    if ref.repository.url:
        await git("remote", "add", "origin", ref.repository.url, cwd=root)
    with contextlib.suppress(FileNotFoundError):
        (root / ".git" / "FETCH_HEAD").unlink()


@field("GitRepository.uncommitted")
def uncommitted(self: GitRepository, call: Call) -> Changeset:
    """Return what a directory has changed since its last commit."""
    if self.local is None:
        raise EngineError("only a repository in a directory has uncommitted changes")
    source = self.local

    async def apply(root: Path) -> None:
        async with source.mounted(call.runtime) as place:
            await check_out(_ref(self, "HEAD"), place, root, depth=1, tags=False)
        await in_thread(remove_tree, root / ".git")

    empty = Lazy.ready("empty", call.runtime.snapshots.empty)
    made = TreeEdit(call.runtime, empty, ["head"], apply, inputs=[source], cheap=False)

    async def without_git(root: Path) -> None:
        await in_thread(remove_tree, source.place(root) / ".git")

    bare = TreeEdit(
        call.runtime, source.tree, ["withoutGit", source.path], without_git, base_key=source
    )
    return Changeset(Directory(made), Directory(bare, source.path))
