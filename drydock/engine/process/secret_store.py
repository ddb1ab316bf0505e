"""The secrets of one session: their values stay here, everything else holds a `Secret`, which has none.

Two kinds. One that was set by name is known to caches by that name (setting the name again changes what every holder
gets). One of a provider (`env://`, `file://`, `cmd://`) is asked for when somebody needs it, once per session, and is known
to caches by a salted hash of its value, or by the cache key it was given.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from drydock.engine.errors import EngineError
from drydock.engine.field import Identity
from drydock.engine.lazy import digest_of
from drydock.engine.program import run
from drydock.runtime.index import Index

if TYPE_CHECKING:
    from drydock.engine.session import Session

# What `setSecret` takes at most, in bytes of UTF-8.
MAX_SECRET_BYTES = 128_000
_COMMAND_SECONDS = 300
_SHOWN_LETTERS = 3
_PROVIDERS = frozenset({"env", "file", "cmd"})  # a real engine knows more, see docs/drydock.md


@dataclass(frozen=True)
class Secret:
    """A name for a value that only the session's store knows."""

    graphql_type: ClassVar[str] = "Secret"
    handle: str  # where the store keeps it
    name: str = ""
    uri: str = ""
    cache_key: str = ""

    @property
    def identity(self) -> Identity:
        """Be named apart from the call that made it: the plaintext never becomes part of an id."""
        return Identity("Query.__secret", {"handle": self.handle})


class SecretStore:
    """Values of the secrets of one session."""

    def __init__(self, environ: Mapping[str, str], workdir: Path, salt: bytes) -> None:
        self._environ = environ
        self._workdir = workdir
        self._salt = salt
        self._secrets: dict[str, Secret] = {}
        self._values: dict[str, bytes] = {}
        self._hashes: dict[str, str] = {}
        self._asking: dict[str, asyncio.Lock] = {}
        self._absent: set[str] = set()  # variables that a function does not have

    def set(self, name: str, plaintext: str, scope: str = "") -> Secret:
        """Keep a value under a name; `scope` keeps the names of modules apart."""
        value = plaintext.encode()
        if len(value) > MAX_SECRET_BYTES:
            raise EngineError(
                f"secret {name!r} has {len(value)} bytes, at most {MAX_SECRET_BYTES} are taken"
            )
        secret = Secret(digest_of("set", scope, name), name=name)
        self._secrets[secret.handle] = secret
        self._values[secret.handle] = value
        return secret

    def add(self, uri: str, cache_key: str = "") -> Secret:
        """Know a provider's secret, without asking for it; the latest of a cache key stands for all of them."""
        scheme, separator, _ = uri.partition("://")
        if not separator:
            raise EngineError(f'parse "{uri}": malformed id')
        if scheme not in _PROVIDERS:
            raise EngineError(f'unsupported secret provider: "{scheme}"')
        handle = digest_of("key", cache_key) if cache_key else digest_of("uri", uri)
        secret = Secret(handle, uri=uri, cache_key=cache_key)
        if self._secrets.get(handle) != secret:
            self._secrets[handle] = secret
            self._values.pop(handle, None)
        return secret

    def of_function(self, uri: str, environ: Mapping[str, str]) -> Secret:
        """Know a secret that a module's function names: it reaches the function's own variables, nothing of the client's."""
        scheme, _, name = uri.partition("://")
        if scheme != "env":
            raise EngineError(
                f'secret "{uri}": a module cannot use the provider "{scheme}" of its caller; '
                "take the secret as an argument"
            )
        secret = Secret(digest_of("function", uri, environ.get(name)), uri=uri)
        self._secrets[secret.handle] = secret
        if name in environ:
            self._values[secret.handle] = environ[name].encode(errors="surrogateescape")
        else:
            self._absent.add(secret.handle)
        return secret

    def find(self, handle: str) -> Secret:
        """Return the secret of an id; EngineError when this session never had it."""
        if handle not in self._secrets:
            raise EngineError(
                "the secret of this id is not known in this session: a secret's value is never kept, "
                "set it again with setSecret or secret"
            )
        return self._secrets[handle]

    async def plaintext(self, secret: Secret) -> bytes:
        """Return the value, asking its provider at the first time."""
        known = self._secrets.get(secret.handle, secret)
        async with self._asking.setdefault(secret.handle, asyncio.Lock()):
            if secret.handle in self._absent:
                raise _no_variable(known.uri.partition("://")[2])
            if secret.handle not in self._values:
                try:
                    self._values[secret.handle] = await self._ask(known.uri)
                except EngineError as error:
                    # A real engine asks its client, and says so.
                    error.message = f"rpc error: code = Unknown desc = {error.message}"
                    raise
        return self._values[secret.handle]

    async def cache_identity(self, secret: Secret) -> str:
        """Return what stands for the secret in cache keys."""
        if not secret.uri or secret.cache_key:
            return secret.handle
        value = await self.plaintext(secret)
        if secret.handle not in self._hashes:
            # Slow on purpose: the key is stored, and must not be a way to guess a short value.
            self._hashes[secret.handle] = await asyncio.to_thread(
                lambda: hashlib.scrypt(value, salt=self._salt, n=2**14, r=8, p=1).hex()[:64]
            )
        return self._hashes[secret.handle]

    async def _ask(self, uri: str) -> bytes:
        scheme, _, rest = uri.partition("://")
        if scheme == "env":
            return self._variable(rest)
        if scheme == "file":
            return await asyncio.to_thread(self._file, rest)
        return await self._command(rest)

    def _variable(self, name: str) -> bytes:
        value = self._environ.get(name)
        if value is None:
            raise _no_variable(name)
        return value.encode(errors="surrogateescape")

    def _file(self, name: str) -> bytes:
        home = self._environ.get("HOME", "")
        expanded = home + name[1:] if name == "~" or name.startswith("~/") else name
        path = self._workdir / expanded
        try:
            return path.read_bytes()
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise EngineError(
                f'failed to read secret file "{expanded}": open {expanded}: {reason}'
            ) from error

    async def _command(self, command: str) -> bytes:
        ended = await run(
            "sh", "-c", command, cwd=self._workdir, env=self._environ, seconds=_COMMAND_SECONDS
        )
        if ended.code:
            # Not what it wrote: that may be the secret.
            raise EngineError(f'failed to run secret command "{command}": exit status {ended.code}')
        return ended.out


def _no_variable(name: str) -> EngineError:
    # People sometimes pass the value for the name: show no more of it than this.
    shown = f"{name[:_SHOWN_LETTERS]}..." if len(name) > _SHOWN_LETTERS else name
    return EngineError(f'secret env var not found: "{shown}"')


class SessionSecrets(SecretStore):
    """The store of a session, as `session.part` makes it."""

    def __init__(self, session: Session) -> None:
        super().__init__(session.environ, session.workdir, engine_salt(session.engine.state.index))


def engine_salt(index: Index) -> bytes:
    """Return the salt of this state directory's cache keys, made at the first time."""
    found: Any = index.get("engine", "salt")
    if found is None:
        index.put("engine", "salt", os.urandom(16).hex())
        found = index.get("engine", "salt")
    return bytes.fromhex(found)
