"""The files that Trivy reads, of its schema version 2, and one beside them that says what they cover.

db/trivy.db        "debian 12" -> source -> vulnerability -> advisory; "vulnerability" -> its description; "data-source"
db/metadata.json   of which day it is; Trivy asks for a newer one after `NextUpdate`, unless it is told not to
coverage.json      which sources were looked at; whoever scans must compare, Trivy takes what it does not find for clean
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from . import bolt
from .archive import Release
from .changelog import Fix
from .support import Support

_SCHEMA = 2
_END_OF_LIFE = 7
"""Of Trivy's states of an advisory: there will be no fix."""
_TRACKER = "https://security-tracker.debian.org/tracker/"
_LONGEST_TITLE = 160


@dataclass(frozen=True)
class Knowledge:
    """What the archive told: fixes by source, and of which sources it told nothing."""

    release: Release
    fixes: Mapping[str, Mapping[str, Fix]]
    support: Support
    unknown: tuple[str, ...]

    @property
    def platform(self) -> str:
        """Name what Trivy calls a platform, e.g. `debian 12`."""
        return f"debian {self.release.number}"


def write(knowledge: Knowledge, folder: Path) -> dict[str, object]:
    """Write the three files; give what `coverage.json` says. The same knowledge gives the same bytes."""
    (folder / "db").mkdir(parents=True, exist_ok=True)
    (folder / "db/trivy.db").write_bytes(bolt.encode(_buckets(knowledge)))
    dates = {
        "Version": _SCHEMA,
        "NextUpdate": _time(knowledge.release.until),
        "UpdatedAt": _time(knowledge.release.date),
        "DownloadedAt": _time(knowledge.release.date),
    }
    (folder / "db/metadata.json").write_bytes(_json(dates))
    names = {name for fixes in knowledge.fixes.values() for name in fixes}
    coverage: dict[str, object] = {
        "platform": knowledge.platform,
        "date": knowledge.release.date.date().isoformat(),
        "sources": sorted(knowledge.fixes),
        "unknown": sorted(knowledge.unknown),
        "ended": sorted(knowledge.support.ended),
        "limited": sorted(knowledge.support.limited),
        "vulnerabilities": len(names),
    }
    (folder / "coverage.json").write_bytes(_json(coverage))
    return coverage


def _buckets(knowledge: Knowledge) -> dict[bytes, bolt.Bucket]:
    advisories: dict[bytes, dict[bytes, bytes]] = {}
    described: dict[bytes, bytes] = {}
    for source, fixes in sorted(knowledge.fixes.items()):
        of_source = advisories.setdefault(source.encode(), {})
        for name, fix in sorted(fixes.items()):
            of_source[name.encode()] = _json({"FixedVersion": fix.version})
            described.setdefault(name.encode(), _json(_description(source, name, fix)))
    for source, (day, reason) in sorted(knowledge.support.ended.items()):
        ended = f"DEBIAN-ENDED-{source}".encode()
        advisories.setdefault(source.encode(), {})[ended] = _json({"Status": _END_OF_LIFE})
        described[ended] = _json(_end(source, day, reason))
    platform = knowledge.platform.encode()
    origin = {"ID": "debian-archive", "Name": "Changelogs of Debian's archive", "URL": _TRACKER}
    return {
        platform: advisories,
        b"data-source": {platform: _json(origin)},
        b"vulnerability": described,
    }


def _description(source: str, name: str, fix: Fix) -> dict[str, object]:
    title = re.sub(r'^\("(.*)"\)$', r"\1", fix.words.removeprefix(name).strip(" :,-")) or name
    return {
        "Title": title if len(title) <= _LONGEST_TITLE else title[:_LONGEST_TITLE] + "...",
        "Description": f"Debian's changelog of {source} {fix.version}: {fix.words}",
        "Severity": "UNKNOWN",
        "References": [_TRACKER + name],
    }


def _end(source: str, day: str, reason: str) -> dict[str, object]:
    title = f"Debian ended its security support of {source} on {day}"
    return {
        "Title": title,
        "Description": f"{title}: {reason}" if reason else title,
        "Severity": "HIGH",
        "References": [f"{_TRACKER}source-package/{source}"],
    }


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _json(value: Mapping[str, object]) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
