"""OTLP from function runners: their spans and log lines become those of the session.

The SDK in a function exports protobuf over HTTP, told by `OTEL_EXPORTER_OTLP_*`. Metrics are accepted
and dropped. Spans of another trace than the session's are not shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .session import Client

_NANO = 1_000_000_000
_STATUS_ERROR = 2


class ExportError(ValueError):
    """An export request that is no protobuf of OTLP."""


def receive(kind: str, body: bytes, client: Client) -> None:
    """Take one export request: `traces`, `logs` or `metrics`. ExportError if it is none."""
    # The protobuf classes cost a tenth of a second, and only module runs need them.
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # has no stubs

    try:
        if kind == "traces":
            _traces(body, client)
        elif kind == "logs":
            _logs(body, client)
    except DecodeError as error:
        raise ExportError(f"the body is no OTLP export of {kind} in protobuf: {error}") from error


def _traces(body: bytes, client: Client) -> None:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
        ExportTraceServiceRequest,
    )

    trace = client.session.trace
    request = ExportTraceServiceRequest.FromString(body)
    spans = [
        span
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
        if span.trace_id.hex() == trace.id and not _internal(span)
    ]
    for span in sorted(spans, key=lambda item: item.start_time_unix_nano):
        id_, parent = span.span_id.hex(), span.parent_span_id.hex()
        if not trace.shows(id_):  # one that is exported live comes twice
            shown = parent if trace.shows(parent) else client.span.visible_id
            started = span.start_time_unix_nano / _NANO
            trace.emit(
                {"event": "start", "span": id_, "parent": shown, "name": span.name, "time": started}
            )
    ended = [span for span in spans if span.end_time_unix_nano]
    for span in sorted(ended, key=lambda item: item.end_time_unix_nano):
        failed = span.status.code == _STATUS_ERROR
        trace.emit(
            {
                "event": "end",
                "span": span.span_id.hex(),
                "name": span.name,
                "status": "error" if failed else "done",
                "message": span.status.message if failed else "",
                "time": span.end_time_unix_nano / _NANO,
            }
        )


def _internal(span: Any) -> bool:
    """Return whether a span is marked as nobody's business but the SDK's."""
    return any(
        attribute.key == "dagger.io/ui.internal" and attribute.value.bool_value
        for attribute in span.attributes
    )


def _logs(body: bytes, client: Client) -> None:
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
        ExportLogsServiceRequest,
    )

    trace = client.session.trace
    request = ExportLogsServiceRequest.FromString(body)
    for resource in request.resource_logs:
        for scope in resource.scope_logs:
            for record in scope.log_records:
                id_ = record.span_id.hex()
                stream = "log"
                for attribute in record.attributes:
                    if attribute.key == "stdio.stream":
                        stream = {1: "stdout", 2: "stderr"}.get(attribute.value.int_value, "log")
                trace.emit(
                    {
                        "event": "log",
                        "span": id_ if trace.shows(id_) else client.span.visible_id,
                        "stream": stream,
                        "text": record.body.string_value,
                        "time": (record.time_unix_nano or record.observed_time_unix_nano) / _NANO,
                    }
                )
