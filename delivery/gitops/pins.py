"""Pins: which image an overlay puts in the place of a service's bare name.

A pin and its reference, such as `registry/backend@sha256:...`, say the same. What a pin holds was checked
here, so it can be written into YAML without quotes and cannot end a line.
"""

import re
from dataclasses import dataclass

_REPOSITORY = r"[A-Za-z0-9](?:[A-Za-z0-9._/-]|:(?=\d+/))*"
_REFERENCE = re.compile(
    rf"(?P<repository>{_REPOSITORY})"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9._-]{0,127}))?"
    r"(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)


@dataclass(frozen=True)
class Pin:
    """A repository with a tag or a digest, or both; either may be empty."""

    repository: str
    tag: str = ""
    digest: str = ""

    def __str__(self) -> str:
        """Write the reference, as it stands in a container."""
        tag, digest = f":{self.tag}" * bool(self.tag), f"@{self.digest}" * bool(self.digest)
        return f"{self.repository}{tag}{digest}"


def read_pin(reference: str) -> Pin:
    """Read a reference; raise ValueError when it is none."""
    found = _REFERENCE.fullmatch(reference)
    if not found:
        raise ValueError(f"{reference!r} is no reference of an image")
    return Pin(found["repository"], found["tag"] or "", found["digest"] or "")
