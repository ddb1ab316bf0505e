"""What a plan says besides its services: how it reaches the cluster, and how far an action may go.

Read once, with the rules that need no cluster; `delivery.plan` puts the parts together.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from delivery.errors import PlanError
from delivery.prober import MOST_RATE
from delivery.settings import Settings

BRANCH = r"(?!-)(?!.*\.\.)[A-Za-z0-9._/-]+"
FOLDER = r"(?!/)(?!(.*/)?\.\.?(/|$))[A-Za-z0-9._/-]+"
LEAST_SECONDS, MOST_SECONDS = 5, 3600


class Mode(StrEnum):
    """How what is wanted gets into the cluster: written by us, or committed for others to apply."""

    APPLY = "apply"
    GITOPS = "gitops"


class Scope(StrEnum):
    """What a clean-up is about: what is past its window, or everything a delivery made."""

    EXPIRED = "expired"
    ENVIRONMENT = "environment"


class ChaosKind(StrEnum):
    """What chaos does to an environment. A restart is an update and the way back, under load."""

    POD_KILL = "pod-kill"
    RESTART = "restart"
    DRAIN = "drain"


@dataclass(frozen=True)
class GitOps:
    """Where the wanted state is kept: a git repository, its branch, and the environment's folder in it."""

    repository: str
    branch: str
    folder: str


@dataclass(frozen=True)
class Chaos:
    """Experiments: each takes at most so many seconds, under a load of so many requests a second."""

    kinds: tuple[ChaosKind, ...] = tuple(ChaosKind)
    seconds: int = 120
    rate: float = 20.0


def read_mode(values: Mapping[str, object]) -> tuple[Mode, GitOps | None]:
    """Read `mode` and `gitops`; raise PlanError with the key and what is allowed."""
    top = Settings(dict(values), "plan")
    mode = Mode(top.choice("mode", list(Mode), Mode.APPLY))
    if not top.has("gitops"):
        if mode is Mode.GITOPS:
            raise PlanError(
                f"plan: mode {Mode.GITOPS} needs gitops: repository, branch and folder; they stand in"
                " the environment's environment.yaml"
            )
        return mode, None
    given = top.section("gitops")
    found = GitOps(
        repository=_repository(given),
        branch=given.text("branch", pattern=BRANCH, meaning="the name of a branch"),
        folder=given.text("folder", pattern=FOLDER, meaning="a folder inside the repository"),
    )
    given.finish()
    return mode, found


def read_chaos(values: Mapping[str, object]) -> Chaos:
    """Read `chaos`; raise PlanError as above."""
    given, default = Settings(values.get("chaos") or {}, "plan.chaos"), Chaos()
    kinds = given.texts("kinds", tuple(map(str, default.kinds)))
    for kind in kinds:
        if kind not in list(ChaosKind):
            raise given.error("kinds", f"has {kind!r}, not one of {', '.join(ChaosKind)}")
    chaos = Chaos(
        kinds=tuple(ChaosKind(kind) for kind in dict.fromkeys(kinds)),
        seconds=given.whole("seconds", default.seconds, low=LEAST_SECONDS, high=MOST_SECONDS),
        rate=given.number("rate", default.rate, low=1, high=MOST_RATE),
    )
    given.finish()
    return chaos


def read_scope(values: Mapping[str, object]) -> tuple[Scope, bool]:
    """Read `scope` and `confirmed`; raise PlanError as above."""
    top = Settings(dict(values), "plan")
    confirmed = values.get("confirmed") or False
    if not isinstance(confirmed, bool):
        raise top.error("confirmed", f"is {confirmed!r}, not true or false")
    return Scope(top.choice("scope", list(Scope), Scope.EXPIRED)), confirmed


def _repository(given: Settings) -> str:
    """Read the address of a repository; one that holds a secret is refused without repeating it."""
    address = given.text("repository", meaning="the address of a git repository")
    parts = urlsplit(address) if re.match(r"https?://", address) else None
    if parts and (parts.username or parts.password):
        raise given.error(
            "repository",
            "holds a user or a password, and plans are kept and shown; give credentials apart from it",
        )
    if address.startswith("-"):
        raise given.error("repository", f"is {address!r}, not the address of a git repository")
    return address
