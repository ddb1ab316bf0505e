"""Addresses and refs of repositories."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from drydock.engine.errors import EngineError

_PROTOCOLS = {"http", "https", "ssh", "git"}
_SCP = re.compile(r"^(?:[\w.-]+@)?[\w.-]+:(?!//)")
_VERSION = re.compile(r"^v?(\d+)\.(\d+)\.(\d+)(-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?$")
_HEADS, _TAGS = "refs/heads/", "refs/tags/"
COMMIT = re.compile(r"^[0-9a-f]{40}(?:[0-9a-f]{24})?$")


def normalize_url(url: str) -> str:
    """Return an address that git understands; EngineError for protocols that are not taken."""
    if "://" in url:
        protocol = urlsplit(url).scheme
        if protocol not in _PROTOCOLS:
            raise EngineError(f'failed to parse Git URL: invalid protocol "{protocol}"')
        return url
    if _SCP.match(url):
        return url
    host, slash, _ = url.partition("/")
    if slash and "." in host:
        return f"https://{url}"
    raise EngineError(f'failed to parse Git URL: "{url}" names no host')


@dataclass(frozen=True)
class Refs:
    """What a repository advertises: ref -> commit; annotated tags name their commit."""

    refs: dict[str, str]
    head: str = ""  # the branch that HEAD names, as refs/heads/...

    @classmethod
    def parse(cls, listing: str) -> Refs:
        """Read the output of `git ls-remote --symref`."""
        refs: dict[str, str] = {}
        head = ""
        for line in listing.splitlines():
            value, _, name = line.partition("\t")
            if value.startswith("ref: "):
                if name == "HEAD":
                    head = value.removeprefix("ref: ")
            elif name.endswith("^{}"):
                refs[name.removesuffix("^{}")] = value
            else:
                refs[name] = value
        return cls(refs, head)

    def branches(self, patterns: Iterable[str] = ()) -> list[str]:
        """Return the names of branches."""
        return _names(self.refs, _HEADS, list(patterns))

    def tags(self, patterns: Iterable[str] = ()) -> list[str]:
        """Return the names of tags."""
        return _names(self.refs, _TAGS, list(patterns))

    def latest_version(self) -> str | None:
        """Return the tag with the highest semantic version; releases go before their candidates."""
        found = []
        for tag in self.tags():
            if match := _VERSION.match(tag):
                numbers = tuple(int(match[index]) for index in (1, 2, 3))
                found.append((numbers, match[4] is None, match[4] or "", tag))
        return max(found)[3] if found else None

    def find(self, name: str) -> tuple[str, str]:
        """Return (full ref, commit) of a branch, tag, full ref, HEAD or commit; EngineError if absent."""
        if name in {"", "HEAD"}:
            name = self.head or "HEAD"
        for full in (name, f"{_TAGS}{name}", f"{_HEADS}{name}", f"refs/{name}"):
            if full in self.refs:
                return full, self.refs[full]
        if COMMIT.match(name):
            return name, name
        raise EngineError(f'repository does not contain ref "{name}"')


def _names(refs: dict[str, str], prefix: str, patterns: list[str]) -> list[str]:
    names = sorted(name.removeprefix(prefix) for name in refs if name.startswith(prefix))
    if not patterns:
        return names
    return [name for name in names if any(_matches(name, pattern) for pattern in patterns)]


def _matches(name: str, pattern: str) -> bool:
    """Match like `git ls-remote`: a pattern fits at the end, after a slash."""
    pattern = pattern.removeprefix(_HEADS).removeprefix(_TAGS)
    return fnmatchcase(name, pattern) or fnmatchcase(name, f"*/{pattern}")
