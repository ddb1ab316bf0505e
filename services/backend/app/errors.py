"""Errors as JSON: what happened, a sentence, and the id under which the log knows more."""

import logging

from flask import Flask, Response, g, jsonify
from werkzeug.exceptions import HTTPException

_log = logging.getLogger(__name__)


def register(app: Flask) -> None:
    """Answer every error in the one form."""
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _unexpected_error)


def _http_error(error: HTTPException) -> Response:
    """Answer an HTTP error; headers that belong to it, such as Allow, stay."""
    answer = _answer(error.name, error.description or error.name, error.code or 500)
    answer.headers.extend(
        (name, value) for name, value in error.get_headers() if name != "Content-Type"
    )
    return answer


def _unexpected_error(error: Exception) -> Response:
    """Answer without the error's details, which only the log gets."""
    _log.error("unhandled", exc_info=error, extra={"fields": {"error": repr(error)}})
    return _answer("Internal Server Error", "The log knows more under the request's id.", 500)


def _answer(error: str, detail: str, status: int) -> Response:
    answer = jsonify(error=error, detail=detail, request_id=g.request_id)
    answer.status_code = status
    return answer
