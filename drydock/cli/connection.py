"""The command line's connection to the engine: one session, its events, GraphQL.

Standard library only; the GraphQL document is text that `chain.py` wrote. Closing it ends the session and with it whatever
still runs for it.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import secrets
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from drydock.cli.progress import Reporter, Steps

if TYPE_CHECKING:
    from drydock.engine.client import Attached

VERSION = "v0.21.11"
_DRAIN_SECONDS = 5.0
_SHOWN_SECONDS = 1.0


class QueryError(Exception):
    """The API answered with an error."""

    def __init__(self, message: str, extensions: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.extensions = dict(extensions or {})


class RequestError(Exception):
    """The API refused the whole document; `body` is its answer."""

    def __init__(self, status: int, body: str) -> None:
        super().__init__(f"make request: returned error {status}: {_compact(body)}")
        self.status = status


def _compact(body: str) -> str:
    """Write an answer on one line, its data first."""
    try:
        answer = json.loads(body)
    except ValueError:
        return body.strip()
    if isinstance(answer, dict) and "data" in answer:
        answer = {"data": answer.pop("data"), **answer}
    return json.dumps(answer, separators=(",", ":"), ensure_ascii=False)


class Connection:
    """A session. Use as a context manager."""

    def __init__(self, reporter: Reporter, workdir: Path | None = None) -> None:
        self._reporter = reporter
        self._workdir = workdir or Path.cwd()
        self._attached: Attached | None = None
        self._follower: threading.Thread | None = None
        self._http: http.client.HTTPConnection | None = None
        self._trace = ""
        self._shown = _Shown()
        self.span = secrets.token_hex(8)

    def __enter__(self) -> Connection:
        steps = Steps(self._reporter)
        steps.start("connect", "connect")
        steps.start("starting", "starting engine", "connect")
        # The engine's client is imported here, so that help and usage errors cost nothing.
        from drydock.engine.client import attach

        try:
            self._attached = attach(os.environ, self._workdir, VERSION)
        except Exception as error:
            steps.end("starting", "starting engine", str(error))
            steps.end("connect", "connect", str(error))
            raise
        self._trace = self._attached.trace
        steps.end("starting", "starting engine")
        steps.start("connecting", "connecting to engine", "connect")
        host = os.uname().nodename
        clock = time.strftime("%H:%M:%S")
        steps.log(
            "connecting",
            f"{clock} INF connected name={host} client-version={VERSION} server-version={VERSION}",
        )
        steps.end("connecting", "connecting to engine")
        steps.start("session", "starting session", "connect")
        self._follower = threading.Thread(target=self._follow, daemon=True)
        self._follower.start()
        steps.end("session", "starting session")
        steps.end("connect", "connect")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def port(self) -> int:
        """The port of the session's API."""
        return self._session.port

    @property
    def token(self) -> str:
        """The session's token."""
        return self._session.token

    @property
    def trace(self) -> str:
        """The id of the session's trace."""
        return self._trace

    @property
    def known_traceparent(self) -> str:
        """Trace and span, zeros if no session was opened."""
        return f"{self._trace or '0' * 32}-{self.span}"

    @property
    def otlp_headers(self) -> str:
        """The header with which telemetry is accepted, as OTEL_EXPORTER_OTLP_HEADERS wants it."""
        return f"Authorization=Basic%20{self._credentials()}"

    def query(
        self,
        query: str,
        variables: Mapping[str, Any] | None = None,
        operation: str | None = None,
    ) -> Any:
        """Return the data of a query; QueryError or RequestError say why there is none."""
        request = {"query": query, "variables": dict(variables or {}), "operationName": operation}
        status, body = self._request("POST", "/query", request)
        try:
            answer = json.loads(body)
        except ValueError:
            raise RequestError(status, body) from None
        if status != http.client.OK:
            raise RequestError(status, body)
        if errors := answer.get("errors"):
            raise QueryError(errors[0]["message"], errors[0].get("extensions"))
        return answer["data"]

    def load(self, reference: str) -> Any:
        """Load and serve a module; return its description. QueryError says what is wrong with it."""
        status, text = self._request("POST", "/module", {"ref": reference})
        if status != http.client.OK:
            raise RequestError(status, text)
        answer = json.loads(text)
        # What the engine told about it belongs before what the client does next.
        self._shown.wait_for(answer.get("span", ""))
        return _answer(status, text)

    def get(self, path: str) -> Any:
        """Ask one of the engine's own addresses."""
        status, text = self._request("GET", path, None)
        return _answer(status, text)

    def close(self) -> None:
        """End the session and show what it still says."""
        if self._attached is None:
            return
        if self._http is not None:
            self._http.close()
        attached, self._attached = self._attached, None
        attached.close()
        if self._follower is not None:
            self._follower.join(_DRAIN_SECONDS)

    @property
    def _session(self) -> Attached:
        if self._attached is None:
            raise RuntimeError("the connection is not open")
        return self._attached

    def _request(self, method: str, path: str, body: Mapping[str, Any] | None) -> tuple[int, str]:
        if self._http is None:
            self._http = http.client.HTTPConnection("127.0.0.1", self.port)
        headers = {
            "Authorization": f"Basic {self._credentials()}",
            "Content-Type": "application/json",
            "traceparent": f"00-{self.trace}-{self.span}-01",
        }
        payload = None if body is None else json.dumps(body).encode()
        self._http.request(method, path, payload, headers)
        response = self._http.getresponse()
        return response.status, response.read().decode()

    def _credentials(self) -> str:
        return base64.b64encode(f"{self.token}:".encode()).decode()

    def _follow(self) -> None:
        attached = self._attached
        if attached is not None:
            for event in attached.events():
                self._reporter.handle(event)
                if event["event"] == "end":
                    self._shown.add(event["span"])


class _Shown:
    """The steps whose end has been shown; the main thread waits for one of them."""

    def __init__(self) -> None:
        self._spans: set[str] = set()
        self._changed = threading.Condition()

    def add(self, span: str) -> None:
        """Note a step's end."""
        with self._changed:
            self._spans.add(span)
            self._changed.notify_all()

    def wait_for(self, span: str) -> None:
        """Wait until a step's end was shown, for a short while at most."""
        with self._changed:
            self._changed.wait_for(lambda: not span or span in self._spans, _SHOWN_SECONDS)


def _answer(status: int, text: str) -> Any:
    if status != http.client.OK:
        raise RequestError(status, text)
    answer = json.loads(text)
    error = answer.get("error") if isinstance(answer, dict) else None
    if error:
        raise QueryError(error["message"], error.get("extensions"))
    return answer
