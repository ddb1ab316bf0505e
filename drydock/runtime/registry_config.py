"""How registries are reached.

Mirrors, plain http, authorities, as `engine.json` of a real engine says. Called by registry.py. The
file is $XDG_CONFIG_HOME/dagger/engine.json (default ~/.config), key `registries`:

    {"registries": {"docker.io": {"mirrors": ["127.0.0.1:5000"]}, "127.0.0.1:5000": {"http": true}}}

`insecure` leaves certificates unchecked, `rootCAs` (also `ca`, `rootca`) names files with
authorities. A registry on the loopback speaks plain http unless told otherwise.
"""

from __future__ import annotations

import functools
import ipaddress
import json
import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from drydock.runtime.errors import ImageFault
from drydock.runtime.reference import DEFAULT_REGISTRY

_AUTHORITY_KEYS = ("rootCAs", "rootcas", "rootCA", "rootca", "ca")


@dataclass(frozen=True)
class Host:
    """One registry host as it is dialled. `plain` None: http on the loopback, https elsewhere."""

    name: str
    plain: bool | None = None
    insecure: bool = False
    authorities: tuple[str, ...] = ()
    mirrors: tuple[str, ...] = ()

    @property
    def is_plain(self) -> bool:
        """Tell whether the host speaks http without TLS."""
        return self.plain if self.plain is not None else _is_loopback(self.name)

    @property
    def address(self) -> tuple[str, int]:
        """The host and port to connect to."""
        name = "registry-1.docker.io" if self.name == DEFAULT_REGISTRY else self.name
        host, port = _split(name)
        return host, port or (80 if self.is_plain else 443)

    def tls(self) -> ssl.SSLContext:
        """Return the TLS settings of this host."""
        return _context(insecure=self.insecure, authorities=self.authorities)


@dataclass(frozen=True)
class RegistryConfig:
    """All that is known about registries on this machine."""

    hosts: Mapping[str, Host] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path | None = None) -> RegistryConfig:
        """Read `engine.json`.

        Without the file nothing special is known. ImageFault names file and key.
        """
        path = path or _default_path()
        try:
            document = json.loads(path.read_bytes())
        except FileNotFoundError:
            return cls()
        except ValueError as error:
            raise ImageFault(f"{path}: not valid JSON: {error}") from error
        registries = document.get("registries", {}) if isinstance(document, dict) else None
        if not isinstance(registries, dict):
            raise ImageFault(f"{path}: `registries` must map registry names to settings")
        return cls({name: _host(path, name, value) for name, value in registries.items()})

    def host(self, name: str) -> Host:
        """Return how `name` is reached."""
        return self.hosts.get(name) or Host(name)

    def candidates(self, registry: str) -> list[Host]:
        """Return the hosts to ask for an image of `registry`: its mirrors, then itself."""
        own = self.host(registry)
        mirrors = []
        for mirror in own.mirrors:
            # `http` on the registry's own entry was always understood as "its mirrors are plain
            # too".
            known = self.hosts.get(mirror)
            mirrors.append(known or Host(mirror, plain=own.plain, insecure=own.insecure))
        return [*mirrors, own]


def _default_path() -> Path:
    base = os.environ.get("XDG_CONFIG_HOME")
    return (Path(base) if base else Path.home() / ".config") / "dagger" / "engine.json"


def _host(path: Path, name: str, value: object) -> Host:
    if not isinstance(value, dict):
        raise ImageFault(f"{path}: `registries.{name}` must be an object")
    mirrors = value.get("mirrors") or []
    if not isinstance(mirrors, list) or not all(isinstance(each, str) for each in mirrors):
        raise ImageFault(f"{path}: `registries.{name}.mirrors` must be a list of host names")
    authorities: list[str] = []
    for key in _AUTHORITY_KEYS:
        found = value.get(key) or []
        authorities += [found] if isinstance(found, str) else list(found)
    return Host(
        name,
        plain=value.get("http"),
        insecure=bool(value.get("insecure", False)),
        authorities=tuple(authorities),
        mirrors=tuple(
            mirror.removeprefix("http://").removeprefix("https://") for mirror in mirrors
        ),
    )


def _split(name: str) -> tuple[str, int]:
    host, colon, port = name.rpartition(":")
    if colon and port.isdigit():
        return host.strip("[]"), int(port)
    return name.strip("[]"), 0


def _is_loopback(name: str) -> bool:
    host, _ = _split(name)
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@functools.cache
def _context(*, insecure: bool, authorities: tuple[str, ...]) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    for authority in authorities:
        try:
            context.load_verify_locations(authority)
        except OSError as error:
            raise ImageFault(f"certificate authority {authority}: {error}") from error
    return context
