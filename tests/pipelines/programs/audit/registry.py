"""A package registry on loopback whose answers a test chooses: npm's over HTTP, and PyPI's own name behind a proxy.

pip-audit asks https://pypi.org and nothing else, so PyPI is played by a proxy that ends the tunnel itself, with a
certificate that only the test's environment trusts.
"""

import datetime
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HANG = -1
"""The status of an answer that never comes."""


class Registry(ThreadingHTTPServer):
    """Answers as the test says: path -> status and body; `default` for every other path."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: dict[str, tuple[int, str]] = {}
        self.default: tuple[int, str] = (404, "{}")
        self.asked: list[str] = []
        self.closing = threading.Event()
        self.certificate = folder / "pypi.pem"
        self.tls = _tls(self.certificate)

    def handle_error(self, request: object, client_address: object) -> None:
        """Stay quiet about clients that hung up."""

    @property
    def address(self) -> str:
        """Give the address that npm is told."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Registry
    protocol_version = "HTTP/1.1"

    def do_CONNECT(self) -> None:
        """End the tunnel here."""
        self.send_response(200)
        self.end_headers()
        self.connection = self.server.tls.wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb")
        self.wfile = self.connection.makefile("wb", buffering=0)
        self.close_connection = False

    def finish(self) -> None:
        """Close the end of a tunnel too, which the server knows nothing of."""
        super().finish()
        self.connection.close()

    def do_GET(self) -> None:
        """Answer."""
        self.server.asked.append(self.path)
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, body = self.server.answers.get(self.path, self.server.default)
        if status == HANG:
            self.server.closing.wait(60)
            self.close_connection = True
            return
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    def do_POST(self) -> None:
        """Answer."""
        self.do_GET()

    def log_message(self, *_args: object) -> None:
        """Stay quiet."""


def _tls(file: Path) -> ssl.SSLContext:
    """Make a certificate for pypi.org."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "pypi.org")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("pypi.org")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


@contextmanager
def serving(folder: Path) -> Iterator[Registry]:
    """Serve until the test ends."""
    with Registry(folder) as registry:
        thread = threading.Thread(target=registry.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield registry
        finally:
            registry.closing.set()
            registry.shutdown()
            thread.join()


def text(value: Any) -> str:
    """Write JSON."""
    return json.dumps(value)
