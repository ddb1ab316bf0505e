"""`manifests/environments/NAME/environment.yaml`, read into an environment."""

import re
from urllib.parse import urlsplit

from pipelines.catalog.delivery import read_delivery
from pipelines.catalog.document import Document
from pipelines.catalog.gates import ADDRESS, ADDRESS_MEANING
from pipelines.catalog.names import NAME, NAME_MEANING, name_of_folder
from pipelines.model import Advisories, Approval, Delivery, Environment, GitOps, Mode

_REF = r"(branch|tag):[^\s~^:\\]+"
_REF_MEANING = "a pattern such as branch:main, branch:release/* or tag:v*"
_REPOSITORY = r"(?!-)\S+"
_BRANCH = r"(?!-)(?!.*\.\.)[A-Za-z0-9._/-]+"
_FOLDER = r"(?!/)(?!(.*/)?\.\.?(/|$))[A-Za-z0-9._/-]+"


def parse_environment(path: str, text: str) -> Environment:
    """Turn the text of an `environment.yaml` into an environment; raise DocumentError."""
    document = Document.parse(path, text)
    name = name_of_folder(document, path)
    gitops = _gitops(document.section("gitops"), name) if document.has("gitops") else None
    environment = Environment(
        name=name,
        namespace=document.text("namespace", pattern=NAME, meaning=NAME_MEANING),
        services=document.texts("services", pattern=NAME, meaning=NAME_MEANING),
        registry=document.text(
            "registry",
            pattern=r"[a-zA-Z0-9.-]+(:\d+)?(/[-._a-zA-Z0-9]+)*",
            meaning="a registry such as ghcr.io/owner or localhost:5000",
        ),
        url=document.text("url", pattern=r"https?://[^\s]+", meaning="an http or https address"),
        rollout_seconds=document.number("rollout_seconds", low=5, high=3600, default=300),
        pull_secret=document.optional_text("pull_secret", pattern=NAME, meaning=NAME_MEANING),
        advisories=Advisories(
            document.choice(
                "advisories", [each.value for each in Advisories], default=Advisories.DATABASE
            )
        ),
        overrides=_overrides(document),
        refs=document.optional_texts("refs", pattern=_REF, meaning=_REF_MEANING),
        approval=Approval(
            document.choice(
                "approval", [each.value for each in Approval], default=Approval.NONE.value
            )
        ),
        deployers=document.optional_texts("deployers", meaning="names of people"),
        prometheus=document.optional_text("prometheus", pattern=ADDRESS, meaning=ADDRESS_MEANING)
        or "",
        mode=Mode(document.choice("mode", [each.value for each in Mode], default=Mode.APPLY.value)),
        gitops=gitops,
    )
    document.finish()
    if environment.mode is Mode.GITOPS and gitops is None:
        raise document.error("gitops", "is missing, mode: gitops needs its repository")
    return environment


def _overrides(document: Document) -> dict[str, Delivery]:
    overrides = {}
    for name, section in document.sections("overrides"):
        overrides[name] = read_delivery(section)
        section.finish()
    return overrides


def _gitops(section: Document, name: str) -> GitOps:
    gitops = GitOps(
        repository=_repository(section),
        branch=section.optional_text("branch", pattern=_BRANCH, meaning="the name of a branch")
        or "main",
        folder=section.optional_text(
            "folder", pattern=_FOLDER, meaning="a folder inside the repository"
        )
        or f"manifests/environments/{name}",
    )
    section.finish()
    return gitops


def _repository(section: Document) -> str:
    """Read the address of a repository; one that holds a password is refused without repeating it."""
    address = section.raw("repository") if section.has("repository") else ""
    parts = urlsplit(str(address)) if re.match(r"https?://", str(address)) else None
    if parts and (parts.username or parts.password):
        told = (
            "holds a user or a password, which everybody would read here: give --git-token instead"
        )
        raise section.error("repository", told)
    return section.text("repository", pattern=_REPOSITORY, meaning="an address of a git repository")
