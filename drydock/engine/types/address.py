"""`Address`: one text that names an object, read according to the type that is asked of it.

The command line's arguments and `.env` are addresses. What an address names is asked of the API itself, so it is the very
same object that a pipeline would get from `host`, `container` or `secret`.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import urlsplit

from drydock.engine.ask import ask, load
from drydock.engine.errors import EngineError
from drydock.engine.field import Call, attributes, field

_GIT = re.compile(r"^(?:https?|ssh|git)://|^git@")


@dataclass(frozen=True)
class Address:
    """A text that names something."""

    graphql_type: ClassVar[str] = "Address"
    value: str

    @property
    def path(self) -> str:
        """The path on the client's machine that it names."""
        return self.value.removeprefix("file://")


@field("Query.address", quiet=True)
def address(_query: object, _call: Call, *, value: str) -> Address:
    """Take an address; what it means is asked for later."""
    return Address(value)


attributes("Address", "value")


async def _object(call: Call, query: str, **variables: Any) -> Any:
    """Return the object whose id a query ends in."""
    data = await ask(call.client, query, variables)
    while isinstance(data, dict):
        data = next(iter(data.values()))
    return await load(call.client, str(data))


@field("Address.container", quiet=True)
async def container(self: Address, call: Call) -> Any:
    """Pull an image."""
    query = "query($a: String!) { container { from(address: $a) { id } } }"
    return await _object(call, query, a=self.value)


@field("Address.directory", memo=False, quiet=True)
async def directory(
    self: Address,
    call: Call,
    *,
    exclude: list[str],
    include: list[str],
    gitignore: bool,
    no_cache: bool,
) -> Any:
    """Read a directory of the client's machine, or one of a git repository."""
    if _GIT.match(self.value):
        url, ref, subpath = _git(self.value)
        ref_field = f"ref(name: {_quote(ref)})" if ref else "head"
        query = (
            f"query($u: String!, $p: String!, $e: [String!], $i: [String!]) {{ git(url: $u) {{ {ref_field} "
            "{ tree { directory(path: $p) { filter(exclude: $e, include: $i) { id } } } } } }"
        )
        return await _object(call, query, u=url, p=subpath or "/", e=exclude, i=include)
    query = (
        "query($p: String!, $e: [String!], $i: [String!], $g: Boolean, $n: Boolean) { host { "
        "directory(path: $p, exclude: $e, include: $i, gitignore: $g, noCache: $n) { id } } }"
    )
    return await _object(call, query, p=self.path, e=exclude, i=include, g=gitignore, n=no_cache)


@field("Address.file", memo=False, quiet=True)
async def file(
    self: Address,
    call: Call,
    *,
    exclude: list[str],  # noqa: ARG001 - a file has nothing to leave out
    include: list[str],  # noqa: ARG001 - nor to take in
    gitignore: bool,  # noqa: ARG001 - a file that is named is wanted
    no_cache: bool,
) -> Any:
    """Read a file of the client's machine, or one of a git repository."""
    if _GIT.match(self.value):
        url, ref, subpath = _git(self.value)
        ref_field = f"ref(name: {_quote(ref)})" if ref else "head"
        query = (
            f"query($u: String!, $p: String!) {{ git(url: $u) {{ {ref_field} "
            "{ tree { file(path: $p) { id } } } } }"
        )
        return await _object(call, query, u=url, p=subpath)
    folder, name = posixpath.split(self.path)
    query = (
        "query($d: String!, $i: [String!], $f: String!, $n: Boolean) { host { "
        "directory(path: $d, include: $i, noCache: $n) { file(path: $f) { id } } } }"
    )
    return await _object(call, query, d=folder or ".", i=[_literal(name)], f=name, n=no_cache)


@field("Address.secret", memo=False, quiet=True)
async def secret(self: Address, call: Call) -> Any:
    """Name the secret of a provider; `env:X` is short for `env://X`."""
    scheme, colon, rest = self.value.partition(":")
    uri = self.value if not colon or rest.startswith("//") else f"{scheme}://{rest}"
    return await _object(call, "query($u: String!) { secret(uri: $u) { id } }", u=uri)


@field("Address.service", quiet=True)
async def service(self: Address, call: Call) -> Any:
    """Name a service that the client's machine reaches."""
    parts = urlsplit(self.value)
    try:
        port = parts.port
    except ValueError as error:
        raise EngineError(f"invalid service address {self.value!r}: {error}") from error
    if parts.scheme not in {"tcp", "udp"} or not parts.hostname or port is None:
        raise EngineError(
            f'unsupported service address. Must be a valid tcp:// or udp:// URL: "{self.value}"'
        )
    query = (
        "query($h: String!, $p: Int!, $n: NetworkProtocol!) { host { service(host: $h, "
        "ports: [{frontend: $p, backend: $p, protocol: $n}]) { id } } }"
    )
    return await _object(call, query, h=parts.hostname, p=port, n=parts.scheme.upper())


@field("Address.socket", quiet=True)
async def socket(self: Address, call: Call) -> Any:
    """Name a unix socket of the client's machine."""
    query = "query($p: String!) { host { unixSocket(path: $p) { id } } }"
    return await _object(call, query, p=self.value.removeprefix("unix://"))


@field("Address.gitRepository", quiet=True)
async def git_repository(self: Address, call: Call) -> Any:
    """Name a git repository: remote by URL, local by path."""
    if _GIT.match(self.value):
        return await _object(
            call, "query($u: String!) { git(url: $u) { id } }", u=_git(self.value)[0]
        )
    query = "query($p: String!) { host { directory(path: $p) { asGit { id } } } }"
    return await _object(call, query, p=self.path.partition("#")[0] or ".")


@field("Address.gitRef", quiet=True)
async def git_ref(self: Address, call: Call) -> Any:
    """Name a branch, tag or commit of a git repository; without `#` its head."""
    url, ref, _ = _git(self.value)
    ref_field = f"ref(name: {_quote(ref)})" if ref else "head"
    if _GIT.match(self.value):
        query = f"query($u: String!) {{ git(url: $u) {{ {ref_field} {{ id }} }} }}"
    else:
        query = f"query($u: String!) {{ host {{ directory(path: $u) {{ asGit {{ {ref_field} {{ id }} }} }} }} }}"
    return await _object(call, query, u=url or ".")


def _git(text: str) -> tuple[str, str, str]:
    """Split `URL#ref:subdir`."""
    url, _, fragment = text.partition("#")
    ref, _, subpath = fragment.partition(":")
    return url, ref, subpath


def _quote(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _literal(name: str) -> str:
    """Write a file's name as a pattern that matches it alone."""
    return re.sub(r"([*?\[\]\\])", r"\\\1", name)
