"""The image's HEALTHCHECK: ask the running service for its health; the exit code is the answer.

A file of its own, because the image has no shell and no curl. It imports next to nothing, as it is
started every half minute on a fifth of a core.
"""

import http.client
import os
import sys


def healthy(port: int) -> bool:
    """Ask the process on this port; nobody there is an answer too."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(0 if healthy(int(os.environ.get("PORT", "8000"))) else 1)
