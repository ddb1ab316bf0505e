"""`run`: start a program with a session in its environment; pass its exit code on."""

from __future__ import annotations

import os
import subprocess

from drydock.cli.flags import UsageError
from drydock.cli.verb import Run, run_verb


def main(argv: list[str]) -> int:
    """Run the verb; return the exit code."""
    return run_verb("run", argv, _run)


def _run(run: Run) -> str:
    if not run.argv:
        raise UsageError("requires at least 1 arg(s), only received 0")
    connection = run.connection
    endpoint = f"http://127.0.0.1:{connection.port}"
    variables = {
        "DAGGER_SESSION_PORT": str(connection.port),
        "DAGGER_SESSION_TOKEN": connection.token,
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_EXPORTER_OTLP_HEADERS": connection.otlp_headers,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_EXPORTER_OTLP_TRACES_LIVE": "1",
        "OTEL_TRACES_EXPORTER": "otlp",
        "TRACEPARENT": f"00-{connection.trace}-{connection.span}-01",
    }
    for signal in ("TRACES", "LOGS", "METRICS"):
        variables[f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT"] = f"{endpoint}/v1/{signal.lower()}"
        variables[f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL"] = "http/protobuf"
    try:
        child = subprocess.Popen(run.argv, env={**os.environ, **variables})
    except OSError as error:
        raise UsageError(f'exec: "{run.argv[0]}": {(error.strerror or "").lower()}') from error
    try:
        run.exit_code = child.wait()
    except KeyboardInterrupt:
        child.terminate()
        child.wait()
        raise
    if run.exit_code < 0:
        run.exit_code = 128 - run.exit_code
    return ""
