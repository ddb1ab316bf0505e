"""A gate that reads the logs of the colour's pods and looks for what must not stand in them.

Before the switch the whole log of the pods is the release's; afterwards what was written since.
"""

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from urllib.parse import urlencode

from delivery.censor import censored
from delivery.cluster import FORBIDDEN, ApiError, Cluster, Obj
from delivery.gate import Policy, Result, Stage, Subject, Verdict
from delivery.lateness import Lateness, excuse
from delivery.settings import Settings

LIMIT_BYTES = 1 << 20
"""How much of one container's log is read, the newest."""
TAIL_LINES = 5000
SCAN_SECONDS = 10.0
MINIMUM = {Stage.PREVIEW: 1, Stage.LIVE: 0}
"""Lines that make a sample: who starts says something, who is merely not called may be silent."""
WORDS = 200
PROGRAM = Path(__file__).with_name("scan.py")


class _Unreadable(Exception):  # noqa: N818  becomes a verdict
    """A log that cannot be read."""


@dataclass(frozen=True)
class LogsGate:
    """Fails on more than `most` lines that match a forbidden pattern and no allowed one."""

    name: str
    policy: Policy
    forbidden: tuple[str, ...]
    allowed: tuple[str, ...]
    most: int
    minimum: int | None

    @property
    def bound_seconds(self) -> float:
        """How long a verdict takes at most."""
        return 2 * SCAN_SECONDS

    def judge(self, cluster: Cluster, subject: Subject, alive: Callable[[], None]) -> Verdict:
        """Read the logs once and search them."""
        texts, refused = [], ""
        try:
            for path in self._paths(cluster, subject):
                alive()
                try:
                    texts.append(_read(cluster, path))
                except _Unreadable as error:
                    refused = str(error)
        except ApiError as error:
            return Verdict(self.name, Result.ERROR, f"the pods cannot be listed: {error}")
        if not texts:
            told = refused or f"no container has run in pods of {subject.pods}"
            return Verdict(self.name, Result.ERROR if refused else Result.NO_DATA, told)
        found = self._search("\n".join(texts))
        if isinstance(found, str):
            return Verdict(self.name, Result.ERROR, found)
        numbers = {
            "lines": float(found["lines"]),
            "hits": float(found["hits"]),
            "logs": float(len(texts)),
        }
        told = f"{found['hits']} of {found['lines']} lines match, at most {self.most}"
        if found["hits"] > self.most:
            told = f"{told}; {found['pattern']!r} in: {censored(found['line'])[:WORDS]}"
            return Verdict(self.name, Result.FAIL, told, numbers)
        if refused:
            return Verdict(self.name, Result.ERROR, refused, numbers)
        minimum = MINIMUM[subject.stage] if self.minimum is None else self.minimum
        if found["lines"] < minimum:
            told = f"{found['lines']} lines were logged, fewer than {minimum}"
            return Verdict(self.name, Result.NO_DATA, told, numbers)
        return Verdict(self.name, Result.PASS, told, numbers)

    def _paths(self, cluster: Cluster, subject: Subject) -> Iterator[str]:
        """List the logs of every container that has run, that of a run before a restart as well."""
        folder = f"/api/v1/namespaces/{subject.namespace}/pods"
        asked = {"limitBytes": str(LIMIT_BYTES), "tailLines": str(TAIL_LINES)}
        if subject.stage is Stage.LIVE:
            asked["sinceTime"] = subject.since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        for pod in cluster.items(folder, subject.pods):
            for container in _with_logs(pod):
                path = f"{folder}/{pod['metadata']['name']}/log"
                query = {**asked, "container": container["name"]}
                yield f"{path}?{urlencode(query)}"
                if container.get("restartCount"):
                    yield f"{path}?{urlencode({**query, 'previous': 'true'})}"

    def _search(self, text: str) -> Obj | str:
        """Search in a process of its own, which can be ended; return why when it gives no answer."""
        asked = {"forbidden": self.forbidden, "allowed": self.allowed, "text": text}
        with Lateness() as lateness:
            begun = time.monotonic()
            try:
                done = subprocess.run(
                    [sys.executable, "-I", str(PROGRAM)],
                    input=json.dumps(asked),
                    capture_output=True,
                    text=True,
                    timeout=SCAN_SECONDS,
                    check=True,
                )
            except subprocess.TimeoutExpired:
                own = excuse(lateness.seconds(begun, time.monotonic()), SCAN_SECONDS)
                why = own or "is one of the form (a+)+ ?"
                return f"the patterns take longer than {SCAN_SECONDS:g} s: {why}"
            except (OSError, subprocess.CalledProcessError) as error:
                return f"the logs cannot be searched: {error}"
        answer: Obj = json.loads(done.stdout)
        return answer


def read_logs(settings: Settings, name: str, policy: Policy) -> LogsGate:
    """Read what the plan says about one."""
    return LogsGate(
        name=name,
        policy=policy,
        forbidden=_patterns(settings, "forbidden", None),
        allowed=_patterns(settings, "allowed", ()),
        most=settings.whole("at_most", 0, low=0, high=1_000_000),
        minimum=(
            settings.whole("minimum_lines", low=0, high=1_000_000)
            if settings.has("minimum_lines")
            else None
        ),
    )


def _patterns(settings: Settings, key: str, default: tuple[str, ...] | None) -> tuple[str, ...]:
    patterns = settings.texts(key, default)
    for position, pattern in enumerate(patterns):
        try:
            re.compile(pattern)
        except re.error as error:
            told = f"is {pattern!r}, no regular expression: {error}"
            raise settings.error(f"{key}[{position}]", told) from error
    return patterns


def _with_logs(pod: Obj) -> list[Obj]:
    """List the containers that run or have run."""
    status = pod.get("status", {})
    told = status.get("initContainerStatuses", []) + status.get("containerStatuses", [])
    return [
        each for each in told if "waiting" not in each.get("state", {}) or each.get("restartCount")
    ]


def _read(cluster: Cluster, path: str) -> str:
    try:
        status, content = cluster.raw("GET", path)
    except OSError as error:
        raise _Unreadable(f"a log cannot be read: {error}") from error
    text = content.decode(errors="replace")
    if status == 200:
        return text
    right = "; it takes the right to get pods/log" if status == FORBIDDEN else ""
    raise _Unreadable(f"a log cannot be read: {text.strip()[:WORDS]}{right}")
