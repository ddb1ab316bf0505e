"""The engine as a process: control socket, tokens, telemetry, and its end."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from drydock.engine.engine import Engine
from drydock.engine.server import Server

ROOT = Path(__file__).resolve().parents[4]


def basic(token: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{token}:".encode()).decode()}


@pytest.fixture
async def server(engine: Engine) -> Any:
    server = Server(engine)
    await server.start(engine.state.root / "control")
    yield server
    await server.close()


@pytest.fixture
async def control(server: Server) -> Any:
    engine = server.engine
    connector = aiohttp.UnixConnector(str(engine.state.root / "control"))
    async with aiohttp.ClientSession("http://engine", connector=connector) as session:
        yield session


async def opened(control: aiohttp.ClientSession, tmp_path: Path) -> dict[str, Any]:
    wanted = {"workdir": str(tmp_path), "environ": {}, "version": "x"}
    async with control.post("/sessions", json=wanted) as response:
        return dict(await response.json())


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - what is awaited has no event to wait for
            await asyncio.sleep(0.01)


async def test_control_socket_is_for_its_owner_only(server: Server) -> None:
    assert (server.engine.state.root / "control").stat().st_mode & 0o777 == 0o600


async def test_query_needs_a_token(control: aiohttp.ClientSession, tmp_path: Path) -> None:
    session = await opened(control, tmp_path)
    url = f"http://127.0.0.1:{session['port']}/query"
    async with aiohttp.ClientSession() as http:
        async with http.post(url, json={"query": "{ version }"}) as response:
            assert response.status == 401
        headers = basic(session["token"])
        async with http.post(url, json={"query": "{ version }"}, headers=headers) as response:
            assert await response.text() == '{"data":{"version":"v0.21.11"}}'


@pytest.mark.parametrize(
    ("path", "body", "reason"),
    [
        ("/query", "nope", "the body is no JSON\n"),
        ("/query", "[]", "the body is no JSON object\n"),
        ("/query", '{"query": 5}', '"query" in the body has to be text\n'),
        (
            "/query",
            '{"query": "{version}", "variables": [1]}',
            '"variables" in the body has to be an object\n',
        ),
        ("/module", "[]", "the body is no JSON object\n"),
        ("/v1/traces", "garbage", "the body is no OTLP export of traces in protobuf"),
    ],
)
async def test_a_body_that_cannot_be_read_is_refused_with_the_reason(
    control: aiohttp.ClientSession, tmp_path: Path, path: str, body: str, reason: str
) -> None:
    session = await opened(control, tmp_path)
    url = f"http://127.0.0.1:{session['port']}{path}"
    async with (
        aiohttp.ClientSession(headers=basic(session["token"])) as http,
        http.post(url, data=body) as response,
    ):
        assert response.status == 400
        assert (await response.text()).startswith(reason)


async def test_session_ends_when_its_events_are_no_longer_read(
    control: aiohttp.ClientSession, engine: Engine, tmp_path: Path
) -> None:
    session = await opened(control, tmp_path)
    response = await control.get(f"/sessions/{session['session']}/events")
    assert session["session"] in engine.sessions
    response.close()
    await until(lambda: session["session"] not in engine.sessions)


async def test_events_tell_of_calls_and_end_with_the_session(
    control: aiohttp.ClientSession, engine: Engine, tmp_path: Path
) -> None:
    opening = await opened(control, tmp_path)
    session = engine.sessions[opening["session"]]
    async with control.get(f"/sessions/{session.id}/events") as stream:
        await session.client.query("{ directory { id } }")
        async with control.delete(f"/sessions/{session.id}"):
            pass
        lines = [json.loads(line) async for line in stream.content if line.strip()]
    assert [(line["event"], line.get("name")) for line in lines] == [
        ("start", "directory: Directory!"),
        ("end", "directory"),
        ("closed", None),
    ]


async def test_telemetry_of_a_function_becomes_spans_and_log_lines(
    control: aiohttp.ClientSession, engine: Engine, tmp_path: Path
) -> None:
    opening = await opened(control, tmp_path)
    session = engine.sessions[opening["session"]]
    trace = bytes.fromhex(session.trace.id)
    spans = ExportTraceServiceRequest()
    span = spans.resource_spans.add().scope_spans.add().spans.add()
    span.trace_id, span.span_id, span.name = trace, b"\x01" * 8, "my step"
    span.start_time_unix_nano, span.end_time_unix_nano = 1, 2
    span.status.code, span.status.message = 2, "went wrong"
    logs = ExportLogsServiceRequest()
    record = logs.resource_logs.add().scope_logs.add().log_records.add()
    record.trace_id, record.span_id, record.body.string_value = trace, b"\x01" * 8, "a line\n"
    base = f"http://127.0.0.1:{opening['port']}/v1"
    async with aiohttp.ClientSession(headers=basic(opening["token"])) as http:
        for kind, message in (("traces", spans), ("logs", logs)):
            async with http.post(f"{base}/{kind}", data=message.SerializeToString()) as response:
                assert response.status == 200
    seen: list[dict[str, Any]] = []
    with session.trace.followed_by(seen.append):
        pass
    id_ = "01" * 8
    assert [(e["event"], e["span"]) for e in seen] == [("start", id_), ("end", id_), ("log", id_)]
    assert (seen[1]["status"], seen[1]["message"]) == ("error", "went wrong")
    assert seen[2]["text"] == "a line\n"


CLIENT = """
import os, sys
from drydock.engine.client import attach
attached = attach(os.environ, os.getcwd())
private = attached._private
print(attached.port, attached.token, private._child.pid, private.control.parent, flush=True)
sys.stdin.read()
attached.close()
"""


def alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.root
@pytest.mark.usefixtures("state")
@pytest.mark.parametrize("how", ["stdin closes", "kill -9"])
def test_private_engine_ends_with_its_client(how: str) -> None:
    """No process and no folder of the engine is left, however the client goes."""
    client = subprocess.Popen(
        [sys.executable, "-c", CLIENT],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert client.stdin is not None
    assert client.stdout is not None
    port, token, pid, folder = client.stdout.readline().split()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/query", b'{"query":"{ version }"}', basic(token)
    )
    with urllib.request.urlopen(request) as response:
        assert b"v0.21" in response.read()
    if how == "kill -9":
        client.send_signal(signal.SIGKILL)
    client.stdin.close()
    client.wait(30)
    client.stdout.close()
    ends = time.monotonic() + 30
    while alive(int(pid)) and time.monotonic() < ends:
        time.sleep(0.05)
    assert not alive(int(pid))
    assert not Path(folder).exists()
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(request)
