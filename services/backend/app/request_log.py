"""The id of each request, and the line that it leaves in the log."""

import logging
import re
import time
import uuid

from flask import Flask, Response, g, request

from app import probes

HEADER = "X-Request-ID"
_USABLE = re.compile(r"[\x20-\x7e]{1,128}")
_log = logging.getLogger(__name__)


def register(app: Flask) -> None:
    """Give every request an id, and log every answer."""
    app.before_request(_begin)
    app.after_request(_end)


def _begin() -> None:
    """Remember when the request came and under which id; a caller's own usable id is kept."""
    g.begun = time.perf_counter()
    given = request.headers.get(HEADER, "")
    g.request_id = given if _USABLE.fullmatch(given) else uuid.uuid4().hex


def _end(response: Response) -> Response:
    """Name the id in the answer and log the request; probes count as chatter."""
    response.headers[HEADER] = g.request_id
    _log.log(
        _level(response.status_code),
        "request",
        extra={
            "fields": {
                "method": request.method,
                "path": request.path,
                "status": response.status_code,
                "milliseconds": round((time.perf_counter() - g.begun) * 1000, 3),
            }
        },
    )
    return response


def _level(status: int) -> int:
    if request.path in probes.PATHS:
        return logging.DEBUG
    return logging.ERROR if status >= 500 else logging.INFO
