"""The backend's HTTP API: health and data, as JSON, for browsers on any origin.

Run by gunicorn (`gunicorn.conf.py`) in the image and by `python app.py` on a desk. Every request
leaves one JSON line on standard output, with the request's id in it and in the answer's header.
"""

import json
import os
import sys
import time
import uuid
from datetime import UTC, datetime

from flask import Flask, Response, g, jsonify, request
from flask_cors import CORS
from werkzeug.exceptions import HTTPException

DEFAULT_PORT = 5000
REQUEST_ID = "X-Request-ID"
ITEMS = (
    {"id": 1, "name": "format", "state": "ready"},
    {"id": 2, "name": "test", "state": "ready"},
    {"id": 3, "name": "ship", "state": "ready"},
)


def port() -> int:
    """Read the port to listen on from PORT."""
    return int(os.environ.get("PORT", DEFAULT_PORT))


def environment() -> str:
    """Read the name of the environment from FLASK_ENV."""
    return os.environ.get("FLASK_ENV", "production")


def log(**fields: object) -> None:
    """Write one JSON line to standard output."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    sys.stdout.write(json.dumps({"time": now, **fields}) + "\n")
    sys.stdout.flush()


def begin_request() -> None:
    """Remember when the request came and under which id; a caller's own id is kept."""
    g.begun = time.perf_counter()
    given = request.headers.get(REQUEST_ID, "")
    g.request_id = given if given.isprintable() and 0 < len(given) <= 128 else uuid.uuid4().hex


def end_request(response: Response) -> Response:
    """Name the request's id in the answer and log the request."""
    response.headers[REQUEST_ID] = g.request_id
    log(
        level="info" if response.status_code < 500 else "error",
        message="request",
        request_id=g.request_id,
        method=request.method,
        path=request.path,
        status=response.status_code,
        milliseconds=round((time.perf_counter() - g.begun) * 1000, 3),
    )
    return response


def http_error(error: HTTPException) -> tuple[Response, int]:
    """Answer an HTTP error as JSON."""
    return jsonify(error=error.name, detail=error.description), error.code or 500


def unexpected_error(error: Exception) -> tuple[Response, int]:
    """Answer an unexpected error without its details, which only the log gets."""
    log(level="error", message="unhandled", request_id=g.request_id, error=repr(error))
    return jsonify(error="Internal Server Error", detail="See the log."), 500


def health() -> Response:
    """Say that the process can answer."""
    return jsonify(status="healthy", service="backend", environment=environment())


def data() -> Response:
    """List the items that the frontend shows."""
    return jsonify(items=list(ITEMS), count=len(ITEMS))


def create_app() -> Flask:
    """Build the application with its routes, CORS, request log and error answers."""
    app = Flask(__name__, static_folder=None)
    CORS(
        app,
        resources={r"/api/*": {"origins": "*"}},
        send_wildcard=True,
        expose_headers=[REQUEST_ID],
    )
    app.before_request(begin_request)
    app.after_request(end_request)
    app.register_error_handler(HTTPException, http_error)
    app.register_error_handler(Exception, unexpected_error)
    app.add_url_rule("/api/health", view_func=health)
    app.add_url_rule("/api/data", view_func=data)
    return app


if __name__ == "__main__":  # pragma: no cover
    create_app().run(host="127.0.0.1", port=port())
