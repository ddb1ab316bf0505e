"""Which packages Debian no longer mends: the lists in its package `debian-security-support`.

The columns stand at the head of each list. A name may be a pattern (`golang.*`); support of a package ended on a day, and
the version says up to which one that holds; 0 stands for every version.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from .version import less

PACKAGE = "debian-security-support"
FOLDER = "usr/share/debian-security-support"
_EVERY_VERSION = "0"
_ENDED = re.compile(
    r"(?P<source>\S+)\s+(?P<version>\S+)\s+(?P<day>\d{4}-\d{2}-\d{2})(?P<reason>.*)"
)
_LIMITED = re.compile(r"(?P<source>\S+)(?P<reason>.*)")


@dataclass(frozen=True)
class Support:
    """What became of sources: the day and reason for those without support, the reason for limited support."""

    ended: Mapping[str, tuple[str, str]]
    limited: Mapping[str, str]


def support_of(sources: Mapping[str, str], ended: str, limited: str, today: str) -> Support:
    """Look up sources (name to newest version) in the text of both lists; `today` as an ISO day."""
    gone: dict[str, tuple[str, str]] = {}
    for line in _lines(_ENDED, ended):
        for source in _matching(line["source"], sources):
            last = line["version"]
            mended = last != _EVERY_VERSION and less(last, sources[source])
            if line["day"] <= today and not mended:
                gone[source] = line["day"], line["reason"].strip()
    partly = {
        source: line["reason"].strip()
        for line in _lines(_LIMITED, limited)
        for source in _matching(line["source"], sources)
    }
    return Support(gone, partly)


def _lines(form: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    for line in text.splitlines():
        match = form.match(line)
        if match and not line.startswith("#"):
            yield match


def _matching(pattern: str, sources: Mapping[str, str]) -> list[str]:
    form = re.compile(re.escape(pattern).replace(r"\.\*", ".*"))
    return [source for source in sources if form.fullmatch(source)]
