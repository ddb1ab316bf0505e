"""Say hello over HTTP."""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PORT = 7000


def answer(path: str) -> tuple[int, dict[str, str]]:
    """Give status and body of a path."""
    if path == "/health":
        return 200, {"status": "healthy"}
    if path == "/tiny/hello":
        return 200, {"greeting": "hello"}
    return 404, {"error": "Not Found"}


class Handler(BaseHTTPRequestHandler):
    """Answer in JSON."""

    def do_GET(self) -> None:
        """Answer a GET."""
        status, body = answer(self.path)
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


if __name__ == "__main__":  # pragma: no cover
    sys.stdout.write(f"listening on {PORT}\n")
    ThreadingHTTPServer(("", PORT), Handler).serve_forever()
