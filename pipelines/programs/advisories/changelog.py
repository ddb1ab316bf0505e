"""What a Debian changelog says about vulnerabilities: which version fixed which.

The format is deb-changelog(5): entries from the newest to the oldest, each the ancestor of those above it. What an entry
fixes is fixed in every entry above it too, so the lowest version of these is the first one without the vulnerability. That is
not always the entry's own: a package brought to an older release (1.2-3~deb12u1) stands above the one it was made of (1.2-3)
and sorts below it. It is never above the newest: what is up to date has no finding.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from .version import key

_HEADER = re.compile(
    r"[a-z0-9][a-z0-9+.-]* \((?P<version>[^()\s]+)\)(?: [\w.+-]+)+;", re.IGNORECASE
)
_TRAILER = " -- "
_BULLET = re.compile(r"\s*[*+~o-]\s+")
_IDENTIFIERS = re.compile(
    r"\bCVE-(?P<year>\d{4})-(?:(?P<numbers>\d{4,}(?:/\d{4,})*)|\{(?P<several>\d{4,}(?:,\s*\d{4,})*)\})"
    r"|\b(?P<temporary>TEMP-\d{7}-[0-9A-F]{6})\b",
    re.IGNORECASE,
)
# A mention that says nothing was fixed ...
_UNAFFECTED = re.compile(
    r"\bnot[ -](?:yet )?(?:affected|vulnerable|fixed|applicable|for[ -]us)|\b(?:is|are|was|were)n't (?:affected|vulnerable|fixed)"
    r"|\b(?:does|do|did)(?: not|n't) (?:affect|apply to|fix)|\bunaffected|\bfalse positive|\bunfixed",
    re.IGNORECASE,
)
# ... one that says that what an earlier one told was not all ...
_COMPLETED = re.compile(
    r"\bincomplete|\bfollow[ -]?up|\bcomplet(?:e|es|ing) (?:the )?(?:fix|patch)|\b(?:proper|real|correct)(?:ly)? fix"
    r"|\bprevious (?:version|upload|fix|patch)|\bre-?(?:add|appl(?:y|ied)|enable|introduce)",
    re.IGNORECASE,
)
# ... and one after which the next mention counts.
_REVERTED = re.compile(r"\brevert", re.IGNORECASE)


@dataclass
class Entry:
    """One version of a changelog and what was done in it, item by item, each on one line."""

    version: str
    items: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Fix:
    """The first version without a vulnerability, and the words in which the changelog says so."""

    version: str
    words: str


def parse(text: str) -> list[Entry]:
    """Read a changelog, newest entry first; lines that belong to no entry are passed over."""
    entries: list[Entry] = []
    inside = False
    for line in text.splitlines():
        if header := _HEADER.match(line):
            entries.append(Entry(header["version"]))
            inside = True
        elif line.startswith(_TRAILER):
            inside = False
        elif inside and line.strip():
            items = entries[-1].items
            bullet = _BULLET.match(line)
            if bullet or not items:
                items.append(line[bullet.end() if bullet else 0 :].strip())
            else:
                items[-1] += " " + line.strip()
    return entries


def fixes(entries: list[Entry]) -> dict[str, Fix]:
    """Tell since which version each vulnerability is fixed, of all that the entries name.

    The oldest mention counts; a later one counts in its place where it says that the earlier fix was not
    all, or where the fix was taken back in between.
    """
    found: dict[str, Fix] = {}
    reverted: set[str] = set()
    for entry, lowest in reversed(list(zip(entries, _lowest(entries), strict=True))):
        for item in entry.items:
            if _UNAFFECTED.search(item):
                continue
            for identifier in identifiers(item):
                if _REVERTED.search(item):
                    reverted.add(identifier)
                elif identifier not in found or identifier in reverted or _COMPLETED.search(item):
                    found[identifier] = Fix(lowest, item)
                    reverted.discard(identifier)
    return found


def identifiers(words: str) -> Iterator[str]:
    """Find the names of vulnerabilities; CVE-2026-{0001,0002} and CVE-2026-0001/0002 are short for two."""
    for match in _IDENTIFIERS.finditer(words):
        if match["temporary"]:
            yield match["temporary"].upper()
        else:
            for number in re.findall(r"\d+", match["numbers"] or match["several"]):
                yield f"CVE-{match['year']}-{number}"


def _lowest(entries: list[Entry]) -> Iterator[str]:
    """Give for each entry the lowest version among it and those above."""
    lowest: list[str] = []
    for entry in entries:
        lowest = [min([*lowest, entry.version], key=key)]
        yield lowest[0]
