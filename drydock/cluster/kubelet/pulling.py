"""Images for containers: pull policy, credentials, back-off.

Every container asks before each start. Invariant: a failing image is asked for again after 10 s,
20 s, ... 300 s and never more often, and the waiting states alternate as a kubelet shows them.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

from drydock.cluster.client import ApiError, Client
from drydock.cluster.controllers.meta import key_of
from drydock.cluster.errors import Obj
from drydock.cluster.kubelet.source import decoded
from drydock.runtime.errors import InvalidReference, RuntimeFault
from drydock.runtime.image import Image
from drydock.runtime.images import Auth
from drydock.runtime.reference import Reference

FIRST_BACK_OFF = 10.0
LONGEST_BACK_OFF = 300.0
PULLS_AT_ONCE = 4
PULL_SECONDS = 600.0
DEFAULT_REGISTRY = "docker.io"


class Images(Protocol):
    """What is needed of the runtime's ImageStore."""

    async def pull(self, reference: str, *, auth: Auth | None = None) -> Image:
        """Return the image, from a registry or else from a recipe."""
        ...


class PullError(Exception):
    """The image is not there; `reason` is the waiting state's."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


Told = Callable[[str, str, str], Awaitable[None]]
"""Gets type, reason and message of an event."""


class BackOff:
    """Growing pauses by key: 10 s, 20 s, ... 300 s."""

    def __init__(self, first: float = FIRST_BACK_OFF, longest: float = LONGEST_BACK_OFF) -> None:
        self._first = first
        self._longest = longest
        self._pauses: dict[str, float] = {}

    def fail(self, key: str) -> float:
        """Record a failure; return the pause in seconds that follows it."""
        pause = min(self._pauses.get(key, 0.0) * 2 or self._first, self._longest)
        self._pauses[key] = pause
        return pause

    def pause(self, key: str) -> float:
        """Return the present pause in seconds, 0 when nothing failed yet."""
        return self._pauses.get(key, 0.0)

    def forget(self, key: str) -> None:
        """End a row of failures."""
        self._pauses.pop(key, None)


class Puller:
    """Pulls for all pods of the node; a few at once."""

    def __init__(self, client: Client, images: Images) -> None:
        self._client = client
        self._images = images
        self._slots = asyncio.Semaphore(PULLS_AT_ONCE)
        self._known: dict[str, Image] = {}

    async def pull(self, pod: Obj, container: Obj, tell: Told) -> Image:
        """Return the container's image as its policy wants it; raises PullError."""
        name = container["image"]
        try:
            Reference.parse(name)
        except InvalidReference as error:
            text = f'couldn\'t parse image name "{name}": invalid reference format'
            told = f'Failed to apply default image tag "{name}": {text}'
            await tell("Warning", "InspectFailed", told)
            await tell("Warning", "Failed", "Error: InvalidImageName")
            raise PullError("InvalidImageName", told) from error
        policy = container.get("imagePullPolicy") or _default_policy(name)
        held = self._known.get(name)
        if held is not None and policy != "Always":
            text = f'Container image "{name}" already present on machine and can be accessed by the pod'
            await tell("Normal", "Pulled", text)
            return held
        if policy == "Never":
            text = f'Container image "{name}" is not present with pull policy of Never'
            await tell("Warning", "ErrImageNeverPull", text)
            raise PullError("ErrImageNeverPull", text)
        await tell("Normal", "Pulling", f'Pulling image "{name}"')
        waited = time.monotonic()
        try:
            async with self._slots, asyncio.timeout(PULL_SECONDS):
                began = time.monotonic()
                image = await self._attempt(pod, name)
        except (RuntimeFault, TimeoutError) as error:
            text = f'Failed to pull image "{name}": {error or "timed out"}'
            await tell("Warning", "Failed", text)
            await tell("Warning", "Failed", "Error: ErrImagePull")
            raise PullError("ErrImagePull", str(error) or "timed out") from error
        took, whole = time.monotonic() - began, time.monotonic() - waited
        size = sum(layer.size for layer in image.layers)
        text = f'Successfully pulled image "{name}" in {_span(took)} ({_span(whole)} including waiting).'
        await tell("Normal", "Pulled", f"{text} Image size: {size} bytes.")
        self._known[name] = image
        return image

    async def _attempt(self, pod: Obj, name: str) -> Image:
        """Try every credential that fits the registry, then none."""
        fault: RuntimeFault | None = None
        for auth in [*await self._credentials(pod, name), None]:
            try:
                return await self._images.pull(name, auth=auth)
            except RuntimeFault as error:
                fault = fault or error
        raise fault or RuntimeFault(f"{name} was not pulled")

    async def _credentials(self, pod: Obj, name: str) -> list[Auth]:
        namespace, registry = key_of(pod)[0], registry_of(name)
        found = []
        for reference in pod["spec"].get("imagePullSecrets") or []:
            try:
                secret = await self._client.get("v1/Secret", namespace, reference["name"])
            except ApiError as error:
                if error.code != 404:
                    raise PullError("ErrImagePull", str(error)) from error
                continue
            found += credentials(secret, registry)
        return found


def credentials(secret: Obj, registry: str) -> list[Auth]:
    """Return the credentials that a pull secret holds for a registry; a broken secret holds none."""
    values = decoded(secret)
    try:
        if ".dockerconfigjson" in values:
            auths = json.loads(values[".dockerconfigjson"]).get("auths", {})
        else:
            auths = json.loads(values.get(".dockercfg", b"{}"))
        rows = [entry for host, entry in auths.items() if _host(host) == registry]
        return [auth for entry in rows if (auth := _auth(entry)) is not None]
    except (ValueError, AttributeError):
        return []


def registry_of(name: str) -> str:
    """Return the registry that an image name means."""
    first, slash, _ = name.partition("/")
    is_host = "." in first or ":" in first or first == "localhost"
    return first if slash and is_host else DEFAULT_REGISTRY


def _host(address: str) -> str:
    bare = address.removeprefix("https://").removeprefix("http://").partition("/")[0]
    return DEFAULT_REGISTRY if bare in ("index.docker.io", "registry-1.docker.io") else bare


def _auth(entry: Obj) -> Auth | None:
    if entry.get("username"):
        return Auth(entry["username"], entry.get("password", ""))
    try:
        name, colon, word = base64.b64decode(entry.get("auth", "")).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return Auth(name, word) if colon else None


def _default_policy(name: str) -> str:
    last = name.rpartition("/")[2]
    pinned = "@" in last or (":" in last and not last.endswith(":latest"))
    return "IfNotPresent" if pinned else "Always"


def _span(seconds: float) -> str:
    return f"{seconds * 1000:.0f}ms" if seconds < 1 else f"{seconds:.3f}s"
