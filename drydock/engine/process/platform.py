"""The platform of this machine, in the form images name it: `os/architecture`."""

from __future__ import annotations

import platform as machine

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}

DEFAULT_PLATFORM = f"linux/{_ARCHITECTURES.get(machine.machine(), machine.machine())}"
