"""Runs git apart from the machine's configuration, with the credentials of one call."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from drydock.engine.errors import EngineError
from drydock.engine.program import run

_SECONDS = 900.0


@dataclass(frozen=True)
class Access:
    """How to reach a repository; secrets travel in the environment, never in arguments."""

    username: str = ""
    token: str = field(default="", repr=False)
    header: str = field(default="", repr=False)
    known_hosts: str = ""
    socket: str = ""  # of an ssh agent
    rewrites: tuple[tuple[str, str], ...] = ()  # (address as written, address to use)

    def configuration(self) -> dict[str, str]:
        """Return git configuration."""
        found = {
            "safe.directory": "*",
            "uploadpack.allowAnySHA1InWant": "true",
            "protocol.version": "2",
            "core.askPass": "true",
            "credential.helper": "",
        }
        if self.header:
            found["http.extraHeader"] = f"Authorization: {self.header}"
        elif self.token:
            pair = f"{self.username or 'x-access-token'}:{self.token}"
            encoded = base64.b64encode(pair.encode()).decode()
            found["http.extraHeader"] = f"Authorization: Basic {encoded}"
        for written, used in self.rewrites:
            found[f"url.{used}.insteadOf"] = written
        return found


PLAIN = Access()


def environment(access: Access, known_hosts: Path | None = None) -> Mapping[str, str]:
    """Return the environment of one git run."""
    environ = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": "/nonexistent",
        "LC_ALL": "C",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_SYSTEM": "/dev/null",
        "GIT_TERMINAL_PROMPT": "0",
    }
    for name in ("http_proxy", "https_proxy", "no_proxy", "GIT_SSL_CAINFO", "SSL_CERT_FILE"):
        for spelled in (name, name.upper()):
            if value := os.environ.get(spelled):
                environ[spelled] = value
    hosts = f"-o UserKnownHostsFile={known_hosts} " if known_hosts else ""
    check = "yes" if known_hosts else "accept-new"
    environ["GIT_SSH_COMMAND"] = f"ssh -o StrictHostKeyChecking={check} {hosts}-o BatchMode=yes"
    if access.socket:
        environ["SSH_AUTH_SOCK"] = access.socket
    settings = access.configuration()
    environ["GIT_CONFIG_COUNT"] = str(len(settings))
    for index, (key, value) in enumerate(settings.items()):
        environ[f"GIT_CONFIG_KEY_{index}"] = key
        environ[f"GIT_CONFIG_VALUE_{index}"] = value
    return environ


async def git(*args: str, cwd: Path, access: Access = PLAIN, accept: tuple[int, ...] = (0,)) -> str:
    """Run git; return its output. EngineError `git error: exit status N` for other exit codes."""
    known_hosts = None
    if access.known_hosts:
        known_hosts = cwd / ".known_hosts"
        known_hosts.write_text(access.known_hosts)
    try:
        ended = await run(
            "git", *args, cwd=cwd, env=environment(access, known_hosts), seconds=_SECONDS
        )
    finally:
        if known_hosts is not None:
            known_hosts.unlink(missing_ok=True)
    if ended.code not in accept:
        raise EngineError(
            f"git error: exit status {ended.code}",
            {"stderr": ended.err.decode(errors="replace")[-2000:]},
        )
    return ended.out.decode(errors="surrogateescape")
