"""Proving to a registry who asks: basic authentication and bearer tokens.

Called by registry.py when a registry answers 401. The challenge names who issues tokens and for
what; a token is kept for as long as the repository is being talked to. Secrets never appear in an
error or a repr.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

_PARAMETER = re.compile(r'([a-zA-Z_]+)="([^"]*)"')


@dataclass(frozen=True)
class Auth:
    """Credentials for one registry; the secret is not shown."""

    username: str
    secret: str = field(repr=False)

    def header(self) -> str:
        """Return the value of an Authorization header for basic authentication."""
        pair = f"{self.username}:{self.secret}".encode()
        return "Basic " + base64.b64encode(pair).decode()


@dataclass(frozen=True)
class Challenge:
    """A registry's `WWW-Authenticate`: scheme in lower case, parameters as sent."""

    scheme: str
    parameters: Mapping[str, str]

    @classmethod
    def parse(cls, header: str) -> Challenge:
        """Read the header; an unknown scheme is left for the caller to refuse."""
        scheme, _, rest = header.partition(" ")
        return cls(scheme.lower(), {key.lower(): value for key, value in _PARAMETER.findall(rest)})

    def token_url(self, scope: str) -> str:
        """Return where a token for `scope` (unless the registry named one) is fetched."""
        query = {"scope": self.parameters.get("scope") or scope}
        if service := self.parameters.get("service"):
            query["service"] = service
        realm = self.parameters.get("realm", "")
        return f"{realm}{'&' if '?' in realm else '?'}{urlencode(query)}"
