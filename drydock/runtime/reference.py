"""Names of images, with Docker's short forms written out.

Called by registry.py, images.py and recipes. `python` means `docker.io/library/python:latest`; a
first part is a registry only if it has a dot or a colon, or is `localhost`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from drydock.runtime.errors import InvalidReference

DEFAULT_REGISTRY = "docker.io"
_REPOSITORY = re.compile(
    r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*"
)
_TAG = re.compile(r"[\w][\w.-]{0,127}", re.ASCII)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_HOST = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(?::\d{1,5})?")


@dataclass(frozen=True)
class Reference:
    """`registry/repository[:tag][@digest]`; without a digest there is always a tag."""

    registry: str
    repository: str
    tag: str = ""
    digest: str = ""

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Read what a person wrote; InvalidReference says what is wrong with it."""
        rest, at, digest = text.strip().partition("@")
        if at and not _DIGEST.fullmatch(digest):
            raise InvalidReference(
                f"invalid image reference {text!r}: {digest!r} is no sha256 digest"
            )
        first, slash, remainder = rest.partition("/")
        if slash and (
            "." in first or ":" in first or first == "localhost" or first.startswith("[")
        ):
            registry, path = first, remainder
        else:
            registry, path = DEFAULT_REGISTRY, rest
        if registry == "index.docker.io":
            registry = DEFAULT_REGISTRY
        path, colon, tag = path.partition(":")
        if colon and not _TAG.fullmatch(tag):
            raise InvalidReference(f"invalid image reference {text!r}: {tag!r} is no tag")
        if not _HOST.fullmatch(registry):
            raise InvalidReference(f"invalid image reference {text!r}: {registry!r} is no registry")
        if not _REPOSITORY.fullmatch(path):
            hint = " (names are lower case)" if _REPOSITORY.fullmatch(path.lower()) else ""
            raise InvalidReference(
                f"invalid image reference {text!r}: {path!r} is no image name{hint}"
            )
        if registry == DEFAULT_REGISTRY and "/" not in path:
            path = f"library/{path}"
        if not tag and not digest:
            tag = "latest"
        return cls(registry, path, tag, digest)

    def with_digest(self, digest: str) -> Reference:
        """Return the same image pinned to `digest`; the tag stays for people to read."""
        return replace(self, digest=digest)

    @property
    def target(self) -> str:
        """What a registry is asked for: the digest if there is one, else the tag."""
        return self.digest or self.tag

    @property
    def name(self) -> str:
        """Registry and repository, without tag and digest."""
        return f"{self.registry}/{self.repository}"

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.name}{tag}{digest}"
