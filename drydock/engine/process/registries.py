"""What a session knows about registries: logins, images it has resolved, and services that stand in for a registry.

A tag means the same image for a whole session; a login lives as long as the session and its password stays in the secret
store until a registry asks for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from drydock.engine.errors import EngineError
from drydock.engine.lazy import digest_of
from drydock.engine.process.host_service import HostSource
from drydock.engine.process.outcome import decode
from drydock.engine.process.secret_store import Secret, SessionSecrets
from drydock.engine.process.service import SessionServices
from drydock.runtime.errors import ImageFault, RegistryFault
from drydock.runtime.images import Auth, Dial
from drydock.runtime.reference import Reference

if TYPE_CHECKING:
    from drydock.engine.session import Session
    from drydock.engine.types.service import Service
    from drydock.runtime.image import Image

_NOT_FOUND = 404


class SessionRegistries:
    """Registries as one session sees them."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._logins: dict[str, tuple[str, Secret]] = {}
        self._images: dict[str, Image] = {}
        self._pulling: dict[str, asyncio.Lock] = {}

    def login(self, address: str, username: str, password: Secret) -> None:
        """Use these credentials for a registry from now on."""
        self._logins[_host(address)] = username, password

    def logout(self, address: str) -> None:
        """Forget the credentials for a registry."""
        self._logins.pop(_host(address), None)

    async def pull(self, address: str, platform: str, service: Service | None) -> Image:
        """Return the image that an address means in this session; EngineError, worded as a real engine's."""
        name = self._name(address)
        services = self._session.part(SessionServices)
        through = await services.key(service) if service else ""
        key = digest_of(str(name), platform, through)
        async with self._pulling.setdefault(key, asyncio.Lock()):
            if key not in self._images:
                async with self._dialer(service) as dial:
                    try:
                        self._images[key] = await self._session.engine.images.pull(
                            str(name), dial=dial, auth=await self._auth(name), platform=platform
                        )
                    except ImageFault as error:
                        reason = _reason(name, error)
                        raise EngineError(
                            f'failed to resolve image "{name}" (platform: "{platform}"): {reason}'
                        ) from error
            return self._images[key]

    async def push(self, image: Image, address: str, service: Service | None) -> str:
        """Push an image; return its address with digest."""
        name = self._name(address)
        async with self._dialer(service) as dial:
            try:
                return await self._session.engine.images.push(
                    image, str(name), dial=dial, auth=await self._auth(name)
                )
            except ImageFault as error:
                raise EngineError(f"failed to push {name}: {error}") from error

    def _name(self, address: str) -> Reference:
        try:
            return Reference.parse(address)
        except ImageFault as error:
            raise EngineError(str(error)) from error

    async def _auth(self, name: Reference) -> Auth | None:
        found = self._logins.get(name.registry)
        if found is None:
            return None
        username, password = found
        value = await self._session.part(SessionSecrets).plaintext(password)
        return Auth(username, decode(value).strip())

    @asynccontextmanager
    async def _dialer(self, service: Service | None) -> AsyncIterator[Dial | None]:
        """Yield how to connect: to a service instead of the address, if one is given."""
        if service is None:
            yield None
            return
        source = service.source
        ports = [port.port for port in source.ports if port.protocol == "TCP"]
        if not ports:
            raise EngineError("the registry service has no port")

        def chosen(port: int) -> int:
            return port if port in ports else ports[0]

        if isinstance(source, HostSource):
            # The engine reaches the host itself; no detour through the containers' network.
            yield lambda _, port: source.connect(chosen(port))
            return
        async with self._session.part(SessionServices).used(service) as running:
            yield lambda _, port: running.connect(chosen(port))


def _host(address: str) -> str:
    """Return the registry of an address: a host, a repository or an image name."""
    host = address.removeprefix("https://").removeprefix("http://").partition("/")[0]
    return "docker.io" if host in ("index.docker.io", "registry-1.docker.io") else host


def _reason(name: Reference, error: ImageFault) -> str:
    cause = error.__cause__
    if isinstance(cause, RegistryFault) and cause.status == _NOT_FOUND:
        return f"{name}: not found"
    return str(error)
