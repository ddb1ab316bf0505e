"""What the engine itself tells a command: where telemetry goes, and how to ask the engine, if it may.

The telemetry variables have the names that OpenTelemetry SDKs read, so that a test runner or tool inside a container shows
up in the session's trace. They are in no cache key.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from drydock.engine.process.command import Command
from drydock.engine.process.sandbox import Sandbox
from drydock.engine.process.session_port import session_port

if TYPE_CHECKING:
    from drydock.engine.session import Session
    from drydock.engine.trace import Span

_SIGNALS = ("TRACES", "LOGS", "METRICS")


def engine_environment(session: Session, span: Span) -> Mapping[str, str]:
    """Return the telemetry variables of a command that runs below a span."""
    base = f"http://127.0.0.1:{session.engine.port}"
    protocol = "http/protobuf"
    variables = {
        "BAGGAGE": f"drydock.session={session.id}",
        "TRACEPARENT": span.w3c,
        "OTEL_TRACES_EXPORTER": "otlp",
        "OTEL_EXPORTER_OTLP_ENDPOINT": base,
        "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
        "OTEL_EXPORTER_OTLP_TRACES_LIVE": "1",
    }
    for signal in _SIGNALS:
        variables[f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT"] = f"{base}/v1/{signal.lower()}"
        variables[f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL"] = protocol
    return variables


@asynccontextmanager
async def nested_session(
    session: Session, sandbox: Sandbox, command: Command
) -> AsyncIterator[Sandbox]:
    """Give a nested command a client of its own and a way to the engine, for as long as the context lasts."""
    if not command.nested:
        yield sandbox
        return
    client = session.new_client(session.client.schema, session.client.span)
    try:
        async with session_port(session.engine, sandbox.endpoint) as port:
            more = {"DAGGER_SESSION_PORT": str(port), "DAGGER_SESSION_TOKEN": client.token}
            env = {**sandbox.spec.env, **more}
            yield replace(sandbox, spec=replace(sandbox.spec, env=env))
    finally:
        await session.drop_client(client)
