"""Errors as JSON: what happened, a sentence, and the id under which the log knows more."""

import logging
from collections.abc import Mapping
from http import HTTPStatus

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Message, Receive, Scope, Send

from app import request_id
from app.middleware import HttpMiddleware, on_start

_log = logging.getLogger(__name__)


async def http_error(_: Request, error: HTTPException) -> JSONResponse:
    """Answer an HTTP error; headers that belong to it, such as Allow, stay."""
    headers = dict(error.headers or {})
    detail = error.detail
    if error.status_code == HTTPStatus.NOT_FOUND and detail == HTTPStatus.NOT_FOUND.phrase:
        detail = "There is nothing at this address."
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        methods = sorted(headers["Allow"].split(", "))
        headers["Allow"] = ", ".join(methods)
        detail = f"This address answers {' and '.join(methods)} only."
    return _answer(error.status_code, detail, headers)


async def invalid_request(_: Request, error: RequestValidationError) -> JSONResponse:
    """Answer a parameter or a body that is not of its type: where, and what was expected."""
    first = error.errors()[0]
    where = ".".join(map(str, first["loc"]))
    return _answer(HTTPStatus.UNPROCESSABLE_ENTITY, f"{where}: {first['msg']}.")


class UnexpectedErrors(HttpMiddleware):
    """Answers what nobody caught, without its details, which only the log gets.

    Stands inside of all other middleware, so that these answers too have their headers, their line
    in the log and their place in the metrics.
    """

    async def http(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 500; what has already begun to be answered can only be broken off."""
        started = False

        def note(_: Message) -> None:
            nonlocal started
            started = True

        try:
            await self.app(scope, receive, on_start(send, note))
        except Exception as error:
            _log.error("unhandled", exc_info=error, extra={"fields": {"error": repr(error)}})
            if started:
                raise
            sentence = "The log knows more under the request's id."
            await _answer(HTTPStatus.INTERNAL_SERVER_ERROR, sentence)(scope, receive, send)


def _answer(status: int, detail: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    body = {
        "error": HTTPStatus(status).phrase,
        "detail": detail,
        "request_id": request_id.current.get(),
    }
    return JSONResponse(body, status_code=status, headers=headers)
