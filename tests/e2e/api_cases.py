"""The cases of `tests/services/api_cases.yaml`, asked of a running service; how to read them is said there."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

CASES: dict[str, Any] = yaml.safe_load(
    (Path(__file__).parents[1] / "services" / "api_cases.yaml").read_text()
)
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
COUNTERS = ("http_requests_total", "http_request_duration_seconds_count")
SAMPLE = re.compile(rf"^({'|'.join(COUNTERS)})\{{(.*)\}} (\S+)$", re.MULTILINE)
BUCKET = re.compile(r'http_request_duration_seconds_bucket\{.*le="([^"]+)"')

Counted = dict[tuple[str, str, str, str], float]
"""How often, by metric, handler, method and status."""


@dataclass(frozen=True)
class Answer:
    """Status, headers and body of an answer."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes


@dataclass(frozen=True)
class Running:
    """A service that runs somewhere: its address, and what it says of itself."""

    base: str
    service: str
    environment: str
    version: str

    def ask(
        self, *, path: str, method: str = "GET", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send one request as it stands."""
        url = urlsplit(self.base)
        connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=10)
        connection.putrequest(method, url.path + path, skip_accept_encoding=True)
        for name, value in (headers or {}).items():
            connection.putheader(name, value.encode("latin-1"))
        connection.endheaders()
        response = connection.getresponse()
        answer = Answer(response.status, response.headers, response.read())
        connection.close()
        return answer

    def counted(self) -> Counted:
        """Read the two metrics that every request moves."""
        found: Counted = {}
        for name, labels, value in SAMPLE.findall(self.ask(path="/metrics").body.decode()):
            pairs = dict(re.findall(r'(\w+)="([^"]*)"', labels))
            found[name, pairs["handler"], pairs["method"], pairs["status"]] = float(value)
        return found

    def buckets(self) -> set[float]:
        """Read the bounds of the histogram."""
        return {float(bound) for bound in BUCKET.findall(self.ask(path="/metrics").body.decode())}

    def filled(self, value: object, request_id: str) -> object:
        """Put what the service says of itself where a case has a word for it."""
        words = {
            "$SERVICE": self.service,
            "$ENVIRONMENT": self.environment,
            "$VERSION": self.version,
            "$REQUEST_ID": request_id,
        }
        if isinstance(value, dict):
            return {key: self.filled(each, request_id) for key, each in value.items()}
        return words.get(value, value) if isinstance(value, str) else value


def differences(running: Running) -> list[str]:
    """Ask all cases; say what differs."""
    found = [
        f"{case['name']}: {told}" for case in CASES["cases"] for told in _differs(running, case)
    ]
    wanted = {float(bound) for bound in CASES["buckets"]}
    if (bounds := running.buckets()) != wanted:
        found.append(f"buckets {sorted(bounds)}, not {sorted(wanted)}")
    return found


def _differs(running: Running, case: dict[str, Any]) -> Iterator[str]:
    before = running.counted()
    answer = running.ask(**case["request"])
    after = running.counted()
    if answer.status != case["status"]:
        yield f"status {answer.status}, not {case['status']}: {answer.body[:200]!r}"
    yield from _headers_differ(answer, case)
    yield from _id_differs(answer, case)
    yield from _body_differs(running, answer, case)
    moved = {key: after[key] - before.get(key, 0) for key in after if after[key] != before.get(key)}
    if moved != (wanted := _counted_by(case)):
        yield f"counted {moved}, not {wanted}"


def _headers_differ(answer: Answer, case: dict[str, Any]) -> Iterator[str]:
    for name, wanted in {**CASES["every_answer"]["headers"], **case.get("headers", {})}.items():
        got = answer.headers.get(name, "")
        if name == "Allow":
            same = set(re.split(r",\s*", got)) == set(wanted.split(", "))
        elif name == "Content-Type" and ";" not in wanted:
            same = got.split(";")[0] == wanted
        else:
            same = got == wanted
        if not same:
            yield f"{name}: {got!r}, not {wanted!r}"
    for name in CASES["every_answer"]["absent"]:
        if name in answer.headers:
            yield f"{name} is there: {answer.headers[name]!r}"


def _id_differs(answer: Answer, case: dict[str, Any]) -> Iterator[str]:
    request_id = answer.headers.get("X-Request-ID", "")
    if case.get("request_id") == "kept":
        if request_id != case["request"]["headers"]["X-Request-ID"]:
            yield f"request id {request_id!r} was not kept"
    elif not re.fullmatch("[0-9a-f]{32}", request_id):
        yield f"request id {request_id!r} is no new one"


def _body_differs(running: Running, answer: Answer, case: dict[str, Any]) -> Iterator[str]:
    request_id = answer.headers.get("X-Request-ID", "")
    if "json" in case and json.loads(answer.body) != running.filled(case["json"], request_id):
        yield f"body {answer.body!r}"
    if case.get("body") == "none" and answer.body:
        yield f"body {answer.body!r} is not empty"
    lines = answer.body.decode("utf-8", "replace").splitlines()
    yield from (f"no line {line!r}" for line in case.get("lines", []) if line not in lines)
    for pattern in case.get("no_lines", []):
        yield from (f"line {line!r}" for line in lines if re.search(pattern, line))


def _counted_by(case: dict[str, Any]) -> Counted:
    if case["counted"] is False:
        return {}
    method = case["request"].get("method", "GET")
    labels = (case["counted"], method if method in METHODS else "other", str(case["status"]))
    return {(name, *labels): 1.0 for name in COUNTERS}
