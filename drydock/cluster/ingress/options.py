"""What the annotations of an Ingress ask for: those of ingress-nginx that Drydock knows.

Others are ignored, and so is a value that cannot be read: its default stays, as in ingress-nginx.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from drydock.cluster.errors import Obj

PREFIX = "nginx.ingress.kubernetes.io/"
_TRUE = {"1", "t", "T", "TRUE", "true", "True"}
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
T = TypeVar("T")


@dataclass(frozen=True)
class Options:
    """How requests of one Ingress are passed on. Times in seconds; the defaults are ingress-nginx's."""

    rewrite_target: str = ""
    use_regex: bool = False
    forwarded_prefix: str = ""
    connect_seconds: float = 5.0
    read_seconds: float = 60.0
    body_bytes: int = 1 << 20
    """The largest request body; 0 is any."""
    canary: bool = False

    def rewrites(self, path: str) -> bool:
        """Tell whether requests for a path of this Ingress get another one."""
        return bool(self.rewrite_target) and self.rewrite_target != path


def read_options(ingress: Obj) -> Options:
    """Read the annotations of an Ingress."""
    given: Mapping[str, str] = ingress["metadata"].get("annotations") or {}

    def value(name: str, read: Callable[[str], T], default: T) -> T:
        try:
            return read(given[PREFIX + name].strip())
        except (KeyError, ValueError):
            return default

    usual = Options()
    return Options(
        rewrite_target=value("rewrite-target", str, ""),
        use_regex=value("use-regex", _TRUE.__contains__, default=False),
        forwarded_prefix=value("x-forwarded-prefix", str, ""),
        connect_seconds=value("proxy-connect-timeout", _seconds, usual.connect_seconds),
        read_seconds=value("proxy-read-timeout", _seconds, usual.read_seconds),
        body_bytes=value("proxy-body-size", _size, usual.body_bytes),
        canary=value("canary", _TRUE.__contains__, default=False),
    )


def _seconds(text: str) -> float:
    """Read whole seconds without a unit."""
    number = int(text)
    if number <= 0:
        raise ValueError(text)
    return float(number)


def _size(text: str) -> int:
    """Read a size of nginx, such as `8m`."""
    found = re.fullmatch(r"(\d+)([kmg]?)", text.lower())
    if found is None:
        raise ValueError(text)
    return int(found[1]) * _UNITS[found[2]]
