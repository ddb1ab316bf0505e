"""Headers that tell browsers to do nothing with an answer but to hand it to the caller."""

from flask import Flask, Response

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}


def register(app: Flask) -> None:
    """Put the headers on every answer, errors included."""
    app.after_request(_secure)


def _secure(response: Response) -> Response:
    response.headers.update(HEADERS)
    return response
