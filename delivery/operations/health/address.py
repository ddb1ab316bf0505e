"""The address at which people find an environment: whether it answers, and how long its certificate is good.

Asked from where the delivery runs. An address that does not lead anywhere from there says nothing about
the environment; one that answers wrongly does.
"""

import socket
import ssl
import time
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

from delivery.exchange import NoAnswerError, ask, at

PATIENCE_SECONDS = 5.0
DAY = 86400
SOON_DAYS = 14
"""A certificate that is renewed by itself is renewed earlier than that."""


@dataclass(frozen=True)
class AddressHealth:
    """What was found, in a line, and what is wrong about it; nothing when that is empty."""

    told: str
    problem: str = ""


def look_at(url: str) -> AddressHealth:
    """Ask an address and look at its certificate."""
    try:
        target = at(url)
    except ValueError as error:
        return AddressHealth(str(error), f"url: {error}")
    parts = urlsplit(url)
    good = ""
    if target.tls:
        try:
            good = _good_for(str(parts.hostname), parts.port or 443)
        except ssl.SSLCertVerificationError as error:
            told = f"{url}: its certificate is not accepted: {error.verify_message}"
            return AddressHealth(told, told)
        except OSError as error:
            return AddressHealth(f"{url} is not reached from here: {error}")
    try:
        reply = ask(target, "/", PATIENCE_SECONDS)
    except NoAnswerError as error:
        return AddressHealth(f"{url} is not reached from here: {error}")
    told = f"{url} answers {reply.status}{good}"
    if reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return AddressHealth(told, f"{url} answers {reply.status}")
    return AddressHealth(told, told if "ends" in good else "")


def _good_for(host: str, port: int) -> str:
    """Say how long a certificate is good; with "ends" when that is not long any more. Raise OSError."""
    context = ssl.create_default_context()
    with (
        socket.create_connection((host, port), PATIENCE_SECONDS) as plain,
        context.wrap_socket(plain, server_hostname=host) as secret,
    ):
        certificate = secret.getpeercert() or {}
    end = ssl.cert_time_to_seconds(str(certificate["notAfter"]))
    days = int((end - time.time()) // DAY)
    if days < SOON_DAYS:
        return f", its certificate ends in {days} days"
    return f", its certificate is good for {days} days"
