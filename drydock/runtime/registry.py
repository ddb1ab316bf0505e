"""Talking to registries: the Docker Registry HTTP API v2, as far as images need it.

Called by images.py. `RegistryClient.repository` is one repository on one host; manifests come back
checked against their digest, blobs land checked in the state directory. Reading is retried, writing
never is. A host that does not answer fails within seconds and is then not asked again for a while,
so that "registry first, recipe second" is cheap offline.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import urljoin, urlsplit

import httpcore

from drydock.runtime.errors import AuthenticationFailed, RegistryFault, RegistryUnreachable
from drydock.runtime.image import INDEX_TYPES, MANIFEST_TYPES
from drydock.runtime.registry_auth import Auth, Challenge
from drydock.runtime.registry_config import Host, RegistryConfig
from drydock.runtime.state import StateDir
from drydock.runtime.transport import CONNECT_SECONDS, Dial, connection_pool

_READ_SECONDS = 60.0
_PAUSES = (0.2, 1.0)
_MOST_REDIRECTS = 5
_MOST_DOWNLOADS = 4
_MOST_MANIFEST_BYTES = 4 << 20
_UNREACHABLE_SECONDS = 60.0
_PIECE = 1 << 18
_REDIRECTS = {301, 302, 303, 307, 308}
# Not an HTTP status: the connection broke before there was one.
_BROKEN = -1
_TRANSIENT = {_BROKEN, 408, 429, 500, 502, 503, 504}
_TIMEOUTS = {
    "connect": CONNECT_SECONDS,
    "read": _READ_SECONDS,
    "write": _READ_SECONDS,
    "pool": _READ_SECONDS,
}
T = TypeVar("T")

Body = bytes | Path


@dataclass(frozen=True)
class Manifest:
    """A manifest or index as a registry sent it."""

    content: bytes
    media_type: str
    digest: str


class RegistryClient:
    """The registries of one process: connections, downloads under way, hosts that are down."""

    def __init__(self, state: StateDir, config: RegistryConfig | None = None) -> None:
        self.state = state
        self._config = config
        self.downloads = asyncio.Semaphore(_MOST_DOWNLOADS)
        self._blobs: dict[str, asyncio.Lock] = {}
        self._down: dict[str, tuple[float, str]] = {}

    @property
    def config(self) -> RegistryConfig:
        """What is known of registries now: `engine.json` is read at each use, as people edit it."""
        return self._config or RegistryConfig.load()

    @asynccontextmanager
    async def repository(
        self, host: Host, name: str, *, dial: Dial | None = None, auth: Auth | None = None
    ) -> AsyncIterator[Repository]:
        """Open the repository `name` on `host`; connections end with the context."""
        async with connection_pool(host.tls(), dial) as pool:
            yield Repository(self, pool, host, name, auth, remember=dial is None)

    def blob_lock(self, digest: str) -> asyncio.Lock:
        """Return the lock under which a blob is fetched once."""
        return self._blobs.setdefault(digest, asyncio.Lock())

    def check_up(self, host: Host) -> None:
        """Raise RegistryUnreachable at once if the host was found down just now."""
        since, reason = self._down.get(host.name, (0.0, ""))
        if reason and time.monotonic() - since < _UNREACHABLE_SECONDS:
            raise RegistryUnreachable(reason)

    def mark_down(self, host: Host, reason: str) -> None:
        """Remember that a host does not answer."""
        self._down[host.name] = (time.monotonic(), reason)


class Repository:
    """One repository on one registry host."""

    def __init__(
        self,
        client: RegistryClient,
        pool: httpcore.AsyncConnectionPool,
        host: Host,
        name: str,
        auth: Auth | None,
        *,
        remember: bool,
    ) -> None:
        self._client = client
        self._pool = pool
        self._host = host
        self._name = name
        self._auth = auth
        self._remember = remember
        self._authorization = ""

    # -- reading

    async def manifest(self, target: str) -> Manifest:
        """Return the manifest or index behind a tag or digest.

        RegistryFault with status 404 if there is none.
        """
        accept = ", ".join((*MANIFEST_TYPES, *INDEX_TYPES))
        response = await self._get(f"manifests/{target}", {"Accept": accept})
        content = response.content
        if len(content) > _MOST_MANIFEST_BYTES:
            raise RegistryFault(f"{self._host.name}: the manifest of {self._name} is too large")
        digest = "sha256:" + hashlib.sha256(content).hexdigest()
        if target.startswith("sha256:") and digest != target:
            raise RegistryFault(f"{self._host.name} answered {digest} when asked for {target}")
        declared = _header(response, "content-type").partition(";")[0]
        self._client.state.put_blob(content)
        return Manifest(content, declared, digest)

    async def download(self, digest: str) -> Path:
        """Fetch a blob into the state directory, unless it is there; return its path."""
        path = self._client.state.blob(digest)
        async with self._client.blob_lock(digest):
            if not path.exists():
                async with self._client.downloads:
                    await self._retrying(lambda: self._download(digest, path))
        return path

    # -- writing

    async def has_blob(self, digest: str) -> bool:
        """Tell whether the repository already has a blob."""
        response = await self._request("HEAD", self._url(f"blobs/{digest}"))
        if response.status not in {200, 404}:
            raise self._fault(response)
        return response.status == 200

    async def upload(self, digest: str, content: Path) -> None:
        """Upload a blob in one piece, unless the repository has it."""
        if await self.has_blob(digest):
            return
        response = await self._request("POST", self._url("blobs/uploads/"))
        if response.status != 202:
            raise self._fault(response)
        place = urljoin(self._url(""), _header(response, "location"))
        place += f"{'&' if '?' in place else '?'}digest={digest}"
        headers = {"Content-Type": "application/octet-stream"}
        response = await self._request("PUT", place, headers, content)
        if response.status != 201:
            raise self._fault(response)

    async def put_manifest(self, target: str, content: bytes, media_type: str) -> str:
        """Upload a manifest under a tag or digest; return its digest."""
        headers = {"Content-Type": media_type}
        response = await self._request("PUT", self._url(f"manifests/{target}"), headers, content)
        if response.status != 201:
            raise self._fault(response)
        return "sha256:" + hashlib.sha256(content).hexdigest()

    # -- HTTP

    def _url(self, path: str) -> str:
        address, port = self._host.address
        host = f"[{address}]" if ":" in address else address
        scheme = "http" if self._host.is_plain else "https"
        return f"{scheme}://{host}:{port}/v2/{self._name}/{path}"

    async def _get(self, path: str, headers: Mapping[str, str]) -> httpcore.Response:
        async def attempt() -> httpcore.Response:
            response = await self._request("GET", self._url(path), headers)
            if response.status != 200:
                raise self._fault(response)
            return response

        return await self._retrying(attempt)

    async def _download(self, digest: str, path: Path) -> None:
        temporary = self._client.state.tmp / secrets.token_hex(8)
        hashed = hashlib.sha256()
        try:
            async with self._stream("GET", self._url(f"blobs/{digest}")) as response:
                if response.status != 200:
                    await response.aread()
                    raise self._fault(response)
                with temporary.open("wb") as file:
                    async for piece in response.aiter_stream():
                        hashed.update(piece)
                        file.write(piece)
            if f"sha256:{hashed.hexdigest()}" != digest:
                raise RegistryFault(f"{self._host.name} sent other bytes than {digest} names")
            temporary.rename(path)
        finally:
            temporary.unlink(missing_ok=True)

    async def _retrying(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Call `attempt` again after a broken connection, a server error or a busy answer.

        Only for reading.
        """
        for pause in _PAUSES:
            try:
                return await attempt()
            except RegistryUnreachable:
                raise
            except RegistryFault as error:
                if error.status not in _TRANSIENT:
                    raise
            await asyncio.sleep(pause)
        return await attempt()

    async def _request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        body: Body = b"",
    ) -> httpcore.Response:
        async with self._stream(method, url, headers, body) as response:
            await response.aread()
            return response

    @asynccontextmanager
    async def _stream(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        body: Body = b"",
    ) -> AsyncIterator[httpcore.Response]:
        """Send a request; prove who asks if the registry wants to know; follow redirects."""
        for _ in range(_MOST_REDIRECTS):
            async with self._send(method, url, headers or {}, body) as response:
                if response.status == 401 and await self._authorize(response, method):
                    continue
                if response.status not in _REDIRECTS or method not in {"GET", "HEAD"}:
                    yield response
                    return
                url = urljoin(url, _header(response, "location"))
        raise RegistryFault(f"{self._host.name}: too many redirects for {self._name}")

    @asynccontextmanager
    async def _send(
        self, method: str, url: str, headers: Mapping[str, str], body: Body
    ) -> AsyncIterator[httpcore.Response]:
        if self._remember:
            self._client.check_up(self._host)
        sent: dict[bytes | str, bytes | str] = {"User-Agent": "drydock"}
        sent.update(headers.items())
        # Storage behind a redirect has its own credentials in the URL, and must not see the
        # registry's.
        if self._authorization and urlsplit(url)[:2] == urlsplit(self._url(""))[:2]:
            sent["Authorization"] = self._authorization
        content: bytes | AsyncIterator[bytes] | None = None
        if method in {"PUT", "POST"}:
            size = len(body) if isinstance(body, bytes) else body.stat().st_size
            sent["Content-Length"] = str(size)
            content = body if isinstance(body, bytes) else _pieces(body)
        try:
            async with self._pool.stream(
                method, url, headers=sent, content=content, extensions={"timeout": _TIMEOUTS}
            ) as response:
                yield response
        except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
            reason = f"{self._host.name} is not reachable: {error}"
            if self._remember:
                self._client.mark_down(self._host, reason)
            raise RegistryUnreachable(reason) from error
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError) as error:
            raise RegistryFault(
                f"{self._host.name}: the connection broke: {error}", status=_BROKEN
            ) from error

    # -- authentication

    async def _authorize(self, response: httpcore.Response, method: str) -> bool:
        """Answer the challenge of a 401; False if there is nothing (more) to offer."""
        await response.aread()
        challenge = Challenge.parse(_header(response, "www-authenticate"))
        if challenge.scheme == "basic" and self._auth is not None:
            fresh = self._auth.header()
        elif challenge.scheme == "bearer":
            action = "pull" if method in {"GET", "HEAD"} else "pull,push"
            fresh = "Bearer " + await self._token(challenge, action)
        else:
            return False
        if fresh == self._authorization:
            return False
        self._authorization = fresh
        return True

    async def _token(self, challenge: Challenge, action: str) -> str:
        url = challenge.token_url(f"repository:{self._name}:{action}")
        headers = {"Authorization": self._auth.header()} if self._auth else {}
        async with self._send("GET", url, headers, b"") as response:
            content = await response.aread()
            if response.status != 200:
                raise AuthenticationFailed(
                    f"{self._host.name} refused a token for {self._name} (HTTP {response.status})",
                    status=response.status,
                )
        try:
            document = json.loads(content)
            return str(document.get("token") or document["access_token"])
        except (ValueError, KeyError, AttributeError) as error:
            raise RegistryFault(f"{self._host.name}: its token service sent no token") from error

    def _fault(self, response: httpcore.Response) -> RegistryFault:
        kind = AuthenticationFailed if response.status in {401, 403} else RegistryFault
        detail = ""
        try:
            errors = json.loads(response.content)["errors"]
            detail = ": " + "; ".join(f"{each['code']}: {each['message']}" for each in errors)
        except (ValueError, KeyError, TypeError):
            # Not every answer comes from the registry itself; a proxy's page helps nobody.
            detail = ""
        text = f"{self._host.name}/{self._name}: HTTP {response.status}{detail}"
        return kind(text, status=response.status)


def _header(response: httpcore.Response, name: str) -> str:
    for key, value in response.headers:
        if key.decode().lower() == name:
            return value.decode()
    return ""


async def _pieces(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while piece := await asyncio.to_thread(file.read, _PIECE):
            yield piece
