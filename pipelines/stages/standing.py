"""Where the work tree stands: which branches and tags its commit is, and what differs from it."""

from collections.abc import Iterable

import dagger

from pipelines.model import Environment, Service, Standing, slo_path
from pipelines.stages.commit import in_repository
from pipelines.toolchains.run import run

_COMPONENTS = "manifests/components"
_REFLOG = ".git/logs/HEAD"
_KINDS = {"refs/heads/": "branch:", "refs/tags/": "tag:"}
_REMOTES = "refs/remotes/"


class UnreadableHistoryError(Exception):
    """Git could not be asked where the work tree stands; the message has git's own words."""

    def __init__(self, code: int, output: str) -> None:
        super().__init__(
            f"git cannot tell where this commit stands and what differs from it (exit code {code}):"
            f" {output.strip() or 'it said nothing'}. Nothing was built or changed."
            " Look at it with: git status; git fsck"
        )


async def read_standing(
    builder: dagger.Container,
    git: dagger.Directory,
    source: dagger.Directory,
    environment: Environment,
    services: Iterable[Service],
) -> Standing:
    """Ask git, in a container that holds its objects and what a release of the services is made from."""
    read = made_from(environment, services)
    return await _ask(in_repository(builder, git, source, read), read)


async def read_standing_of(
    revision: str, builder: dagger.Container, git: dagger.Directory, source: dagger.Directory
) -> Standing:
    """Ask git about a commit that need not be checked out; its files are not compared with anything."""
    asked = in_repository(builder, git, source, ())
    return await _ask(asked.with_env_variable("REVISION", revision), ())


def made_from(environment: Environment, services: Iterable[Service]) -> list[str]:
    """List the paths that a release is made from: code, manifests, promises, and the environment."""
    paths = [path for each in services for path in (each.path, each.manifests, slo_path(each.name))]
    return [*paths, environment.path, _COMPONENTS]


async def _ask(container: dagger.Container, paths: Iterable[str]) -> Standing:
    ran = await run(container, ["/programs/standing.sh", *paths])
    if ran.exit_code != 0:
        raise UnreadableHistoryError(ran.exit_code, ran.output)
    return parse_standing(ran.output)


async def who_works_here(git: dagger.Directory) -> str:
    """Name who made the last commit or checkout in this work tree, as git knows them; empty when it does not."""
    if not await git.exists(_REFLOG):
        return ""
    return last_name(await git.file(_REFLOG).contents())


def last_name(reflog: str) -> str:
    """Read the name out of the last line of a reflog: `OLD NEW NAME <MAIL> TIME ZONE<tab>WHAT`."""
    lines = reflog.strip().splitlines()
    words = lines[-1].partition(" <")[0].split(" ", 2) if lines else []
    return "".join(words[2:])


def parse_standing(told: str) -> Standing:
    """Read what `standing.sh` wrote."""
    facts: dict[str, list[str]] = {}
    for line in told.splitlines():
        word, _, rest = line.partition(" ")
        facts.setdefault(word, []).append(rest)
    return Standing(
        revision="".join(facts.get("commit", [])),
        at=_refs(facts.get("at", [])),
        within=_refs(facts.get("in", [])),
        known=_refs(facts.get("has", [])),
        partial="partial" in facts,
        differing=tuple(path.strip('"') for path in facts.get("differs", [])),
    )


def _refs(names: Iterable[str]) -> frozenset[str]:
    return frozenset(filter(None, map(short_ref, names)))


def short_ref(name: str) -> str:
    """Write a ref the way environments name it, `branch:main` or `tag:v1`; empty for what is neither."""
    for prefix, kind in _KINDS.items():
        if name.startswith(prefix):
            return kind + name.removeprefix(prefix)
    if name.startswith(_REMOTES):
        branch = name.removeprefix(_REMOTES).partition("/")[2]
        return "" if branch in ("", "HEAD") else f"branch:{branch}"
    return name if name.startswith(tuple(_KINDS.values())) else ""
