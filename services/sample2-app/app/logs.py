"""One JSON object per line on standard output, whoever logs it: sample2-app or uvicorn.

Written by the standard library's `logging`; `app.server` switches it on. What a line holds beyond
its message is given as `extra={"fields": {...}}`.
"""

import json
import logging
from datetime import UTC, datetime

from app import request_id
from app.settings import SERVICE


class JsonLines(logging.Formatter):
    """Formats a record as one line of JSON, with the request's id while there is a request."""

    def format(self, record: logging.LogRecord) -> str:
        """Write time (UTC, milliseconds), level, message, service, and what else is known."""
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, object] = {
            "time": time.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            "service": SERVICE,
        }
        if current := request_id.current.get():
            line["request_id"] = current
        line |= getattr(record, "fields", {})
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line)


def configuration(level: str, stream: object = "ext://sys.stdout") -> dict[str, object]:
    """Give the settings for `logging.config.dictConfig`, and so for uvicorn's `log_config`."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": JsonLines}},
        "handlers": {
            "stdout": {"class": "logging.StreamHandler", "stream": stream, "formatter": "json"}
        },
        "root": {"level": level.upper(), "handlers": ["stdout"]},
    }
