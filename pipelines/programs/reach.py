"""Say whether servers answer: reach.py NAME=HOST:PORT...; ends with 1 when one does not."""

import socket
import sys

PATIENCE_SECONDS = 5.0


def main(servers: list[str]) -> int:
    """Connect to each server once."""
    silent = 0
    for server in servers:
        name, _, address = server.partition("=")
        host, _, port = address.rpartition(":")
        try:
            socket.create_connection((host, int(port)), PATIENCE_SECONDS).close()
        except OSError as error:
            sys.stdout.write(f"the {name} does not answer: {error.strerror or error}\n")
            silent = 1
    return silent


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
