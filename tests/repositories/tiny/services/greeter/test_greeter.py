"""The greeter's answers, over a real socket."""

import json
import threading
import urllib.error
import urllib.request
from http.server import ThreadingHTTPServer

import pytest

from greeter import Handler


def ask(path: str) -> tuple[int, dict[str, str]]:
    """Ask a server that lives for one question."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}{path}") as reply:
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("path", "status"), [("/health", 200), ("/tiny/hello", 200), ("/nothing", 404)]
)
def test_a_path_is_answered(path: str, status: int) -> None:
    assert ask(path)[0] == status
