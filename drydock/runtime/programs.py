"""The host programs that Drydock drives, and the Debian packages they come in.

`drydock doctor` lists `PROGRAMS`; everybody else calls `require`, so that a missing program is
named with its package.
"""

from __future__ import annotations

import os
import shutil

from drydock.runtime.errors import MissingProgram

PROGRAMS: dict[str, str] = {
    "unshare": "util-linux",
    "crun": "crun",
    "ip": "iproute2",
    "nft": "nftables",
    "slirp4netns": "slirp4netns",
    "tini-static": "tini",
    "mmdebstrap": "mmdebstrap",
    "skopeo": "skopeo",
    "docker-registry": "docker-registry",
    "busybox": "busybox-static",
}
"""Program -> Debian package."""

# A service manager's PATH may lack the administrator's folders.
_FURTHER = ("/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin", "/bin")


def find(program: str) -> str | None:
    """Return the path of a host program, None if it is not installed."""
    path = os.pathsep.join([os.environ.get("PATH", ""), *_FURTHER])
    return shutil.which(program, path=path)


def require(program: str) -> str:
    """Return the path of a host program; MissingProgram names the package to install."""
    found = find(program)
    if found is None:
        raise MissingProgram(program, PROGRAMS.get(program, program))
    return found
