"""`http`: a file from a web server, fetched once per session when the call is made."""

from __future__ import annotations

import errno
import hashlib
import os
import posixpath
import stat
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import aiohttp

from drydock.engine.errors import EngineError
from drydock.engine.field import Call, field
from drydock.engine.process.loopback import loopback_port
from drydock.engine.process.secret_store import Secret, SessionSecrets
from drydock.engine.process.service import SessionServices
from drydock.engine.tree import in_thread
from drydock.engine.tree.digest import digest_file
from drydock.engine.tree.edit import store, stored

from .file import File, check_name, file_of_snapshot

if TYPE_CHECKING:
    from .service import Service

_MODE = 0o600
_SECONDS = 600.0
_CHUNK = 1024 * 1024
_PORTS = {"http": 80, "https": 443}


@field("Query.http", scoped=True)
async def http(
    _: object,
    call: Call,
    *,
    url: str,
    name: str | None,
    permissions: int | None,
    checksum: str | None,
    auth_header: Secret | None,
    experimental_service_host: Service | None,
) -> File:
    """Return the file at an address; named by the address's last part, mode 0600, unless told others."""
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise EngineError(f'invalid URL "{url}": it has to begin with http:// or https://')
    # Decoded before it is cut: a server's `%2e%2e%2f` is no way out of the tree either.
    last = posixpath.basename(unquote(parts.path))
    name = name or (last if last.strip(".") else "index")
    check_name(name)
    headers = {}
    if auth_header is not None:
        value = await call.session.part(SessionSecrets).plaintext(auth_header)
        headers["Authorization"] = value.decode().strip()
    engine = call.runtime
    async with engine.snapshots.edit(engine.snapshots.empty) as edit:
        place = edit.path / name
        if experimental_service_host is None:
            found = await _fetch(url, url, headers, place)
        else:
            port = parts.port or _PORTS[parts.scheme]
            services = call.session.part(SessionServices)
            async with loopback_port(services, experimental_service_host, port) as local:
                near = parts._replace(netloc=f"127.0.0.1:{local}").geturl()
                headers["Host"] = parts.netloc
                found = await _fetch(url, near, headers, place)
        if checksum and checksum != found:
            raise EngineError(f"http checksum mismatch: expected {checksum}, got {found}")
        place.chmod(stat.S_IMODE(permissions) if permissions is not None else _MODE)
        digest = await in_thread(digest_file, place)
        key = f"http:{digest}:{name}"
        snapshot = stored(engine, key)
        if snapshot is None:
            os.utime(place, (0, 0))  # a snapshot of equal content is equal
            snapshot = await edit.commit()
            store(engine, key, snapshot)
    return file_of_snapshot(snapshot, digest, f"/{name}")


async def _fetch(url: str, near: str, headers: dict[str, str], place: Path) -> str:
    """Download to a file; return `sha256:...`. `near` is where to connect, `url` what errors name."""
    whole = hashlib.sha256()
    timeout = aiohttp.ClientTimeout(total=_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, trust_env=near == url) as session,
            session.get(near, headers=headers) as response,
        ):
            if response.status != 200:
                raise EngineError(f"invalid response status {response.status} {response.reason}")
            with place.open("wb") as file:
                async for chunk in response.content.iter_chunked(_CHUNK):
                    whole.update(chunk)
                    file.write(chunk)
    except aiohttp.ClientConnectorError as error:
        raise EngineError(f'Get "{url}": {_dial_error(error, urlsplit(url).netloc)}') from None
    except (aiohttp.ClientError, TimeoutError) as error:
        raise EngineError(f'Get "{url}": {error or "timed out"}') from None
    return f"sha256:{whole.hexdigest()}"


def _dial_error(error: aiohttp.ClientConnectorError, address: str) -> str:
    code = error.os_error.errno
    if code == errno.ECONNREFUSED:
        return f"dial tcp {address}: connect: connection refused"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return f"dial tcp: lookup {error.host}: no such host"
    return f"dial tcp {address}: connect: {(os.strerror(code) if code else str(error)).lower()}"
