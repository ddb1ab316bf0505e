"""Credentials for git: how it gets them, and how they stay out of everything that is seen.

git asks a script, which reads the token at that moment. So it stands in no argument, address,
configuration or reflog. What git says is censored all the same, as servers may repeat what they got.
"""

import base64
import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from delivery.errors import PreflightError
from delivery.gitops.address import Address

TOKEN_FILE, TOKEN = "DELIVERY_GIT_TOKEN_FILE", "DELIVERY_GIT_TOKEN"
USERNAME, DEFAULT_USERNAME = "DELIVERY_GIT_USERNAME", "x-access-token"
KEY, KNOWN_HOSTS = "DELIVERY_GIT_SSH_KEY", "DELIVERY_GIT_KNOWN_HOSTS"
HIDDEN = "***"
_DOCS = "see Credentials in docs/gitops.md"
_SCRIPT = f"""#!/bin/sh
case "$1" in
[Uu]sername*) printf '%s\\n' "${USERNAME}" ;;
*) if [ -n "${TOKEN_FILE}" ]; then head -n 1 "${TOKEN_FILE}"; else printf '%s\\n' "${TOKEN}"; fi ;;
esac
"""


@dataclass(frozen=True)
class Credentials:
    """What git's process is told about them, and the texts that nobody may see."""

    environment: Mapping[str, str]
    secrets: tuple[str, ...] = ()

    def censor(self, text: str) -> str:
        """Hide the secrets in a text."""
        for secret in self.secrets:
            text = text.replace(secret, HIDDEN)
        return text


def read_credentials(
    address: Address, folder: Path, given: Mapping[str, str] = os.environ
) -> Credentials:
    """Find what an address takes, and write the script into a private folder; raise PreflightError."""
    if address.scheme == "ssh":
        return _ssh(given)
    token = _token(given)
    if not token or address.scheme == "file":
        return Credentials({})
    if not address.takes_token:
        raise PreflightError(
            f"the git token would go over {address.scheme} to {address.host}, where others can read it;"
            " use https"
        )
    username = given.get(USERNAME) or DEFAULT_USERNAME
    script = folder / "askpass"
    script.write_text(_SCRIPT, encoding="ascii")
    script.chmod(0o700)
    environment = {"GIT_ASKPASS": str(script), USERNAME: username}
    environment |= {key: given[key] for key in (TOKEN_FILE, TOKEN) if given.get(key)}
    return Credentials(environment, _forms(username, token))


def _token(given: Mapping[str, str]) -> str:
    """Read the token, to know what has to be hidden."""
    path = given.get(TOKEN_FILE)
    if not path:
        return given.get(TOKEN, "").strip()
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise PreflightError(f"{TOKEN_FILE}: the token cannot be read: {error}") from error
    if not lines or not lines[0].strip():
        raise PreflightError(f"{TOKEN_FILE}: {path} holds no token in its first line")
    return lines[0].strip()


def _forms(username: str, token: str) -> tuple[str, ...]:
    """List the forms that a token may be repeated in, the longest first."""
    basic = base64.b64encode(f"{username}:{token}".encode()).decode()
    plain = base64.b64encode(token.encode()).decode()
    return tuple(sorted({token, quote(token, safe=""), basic, plain}, key=len, reverse=True))


def _ssh(given: Mapping[str, str]) -> Credentials:
    """Let ssh use one key and believe the hosts of one file."""
    key, hosts = given.get(KEY, ""), given.get(KNOWN_HOSTS, "")
    for name, path in ((KEY, key), (KNOWN_HOSTS, hosts)):
        if not path or not Path(path).is_file():
            told = f"is {path!r}, not a file" if path else "is not given"
            raise PreflightError(f"{name} {told}, and an ssh address needs it; {_DOCS}")
    options = {
        "BatchMode": "yes",
        "IdentitiesOnly": "yes",
        "StrictHostKeyChecking": "yes",
        "UserKnownHostsFile": hosts,
        "GlobalKnownHostsFile": "/dev/null",
        "ConnectTimeout": "15",
    }
    words = ["ssh", "-F", "/dev/null", "-i", key]
    words += [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
    return Credentials({"GIT_SSH_COMMAND": shlex.join(words)})
