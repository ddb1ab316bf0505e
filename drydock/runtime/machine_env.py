"""What of this machine reaches into every container.

Certificate authorities, proxies, name servers. Called by bundle.py for each process. All of it is
put in by bind mounts and environment variables of that one process, only where the container says
nothing itself, so that no layer, image config or cache key ever depends on the machine.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

CERTIFICATE_VARIABLES = (
    "SSL_CERT_FILE",
    "CURL_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE",
    "PIP_CERT",
    "NODE_EXTRA_CA_CERTS",
    "GIT_SSL_CAINFO",
)
TRUST_STORES = ("etc/ssl/certs", "etc/pki/tls/certs", "etc/ssl/cert.pem")
PROXY_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY")
# /dev is a file system in memory, so nothing shows up in the image's own tree.
BUNDLE_INSIDE = "/dev/.drydock/ca.crt"

_SYSTEM_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
_ADDED_AUTHORITIES = Path("/usr/local/share/ca-certificates")


@dataclass(frozen=True)
class MachineEnv:
    """Additions for one container.

    `bundle` is the host's certificate file if it has authorities of its own.
    """

    variables: Mapping[str, str]
    bundle: Path | None

    def fill_in(self, env: Mapping[str, str]) -> dict[str, str]:
        """Return `env` with what it lacks; a name that is set, also to nothing, stays as it is."""
        return {**self.variables, **env}

    def for_image(self, root: Path) -> MachineEnv:
        """Leave the certificates out where nothing reads any: in an image without a trust store."""
        if any((root / store).exists() for store in TRUST_STORES):
            return self
        kept = {k: v for k, v in self.variables.items() if k not in CERTIFICATE_VARIABLES}
        return MachineEnv(kept, None)


@functools.cache
def machine_env() -> MachineEnv:
    """Return this machine's additions, read once."""
    variables = {}
    for name in PROXY_VARIABLES:
        for form in (name, name.lower()):
            if value := os.environ.get(form):
                variables[form] = value
    bundle = own_certificates(os.environ)
    if bundle is not None:
        variables |= dict.fromkeys(CERTIFICATE_VARIABLES, BUNDLE_INSIDE)
    return MachineEnv(variables, bundle)


def own_certificates(environ: Mapping[str, str]) -> Path | None:
    """Return the bundle that holds authorities which images do not know, None if there are none.

    An administrator adds some under /usr/local/share/ca-certificates, or names a bundle in the
    environment.
    """
    for name in CERTIFICATE_VARIABLES:
        if (value := environ.get(name)) and Path(value).is_file():
            return Path(value)
    added = _ADDED_AUTHORITIES.is_dir() and any(_ADDED_AUTHORITIES.rglob("*.crt"))
    return _SYSTEM_BUNDLE if added and _SYSTEM_BUNDLE.is_file() else None


def search_domains(resolv: Path = Path("/etc/resolv.conf")) -> list[str]:
    """Return the `search` and `options` lines of the host's resolver configuration."""
    try:
        lines = resolv.read_text().splitlines()
    except OSError:
        return []
    return [line for line in lines if line.startswith(("search ", "options "))]
