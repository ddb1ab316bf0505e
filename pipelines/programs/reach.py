"""Say whether servers answer: reach.py NAME=SCHEME://HOST:PORT...; ends with 1 when one does not.

A connection alone proves nothing, as it may end in a tunnel with nothing behind it. So an `http`
server is asked for a page, any answer will do, and with a `tls` server a handshake is made, without
judging its certificate: that is done by whoever then talks to it.
"""

import http.client
import socket
import ssl
import sys
from urllib.parse import urlsplit

PATIENCE_SECONDS = 5.0


def ask(scheme: str, host: str, port: int) -> None:
    """Make a server answer; raise OSError or HTTPException when it does not."""
    if scheme == "http":
        connection = http.client.HTTPConnection(host, port, timeout=PATIENCE_SECONDS)
        connection.request("GET", "/v2/")
        connection.getresponse().read()
        connection.close()
        return
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with socket.create_connection((host, port), PATIENCE_SECONDS) as plain:
        context.wrap_socket(plain, server_hostname=host).close()


def main(servers: list[str]) -> int:
    """Ask each server once."""
    silent = 0
    for server in servers:
        name, _, address = server.partition("=")
        parts = urlsplit(address)
        try:
            ask(parts.scheme, parts.hostname or "", parts.port or 0)
        except (OSError, http.client.HTTPException) as error:
            told = getattr(error, "strerror", None) or str(error) or type(error).__name__
            sys.stdout.write(f"the {name} does not answer: {told}\n")
            silent = 1
    return silent


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
