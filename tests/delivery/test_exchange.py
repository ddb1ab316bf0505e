"""One request: an answer is whole, or it is an error that says what happened, in time."""

import socket
import ssl
import subprocess
import time
from pathlib import Path

import pytest

from delivery import exchange
from delivery.exchange import NoAnswerError, Target, Trouble, ask, at
from tests.delivery.servers import HANG, RESET, Behaviour, acting, always, answer, serving

SOON = 1.0
"""Seconds of patience with what never ends."""
LONG = 60
"""Seconds of patience with what ends by itself, however busy the machine is."""


def test_an_answer_has_status_headers_and_body() -> None:
    with serving(always(418, b"short and stout", X_Kind="Teapot")) as (server, target):
        reply = ask(target, "/pot?size=1", 5, {"X-Who": "me"})
    assert (reply.status, reply.text, reply.headers["x-kind"]) == (418, "short and stout", "Teapot")
    assert server.paths == ["/pot?size=1"]
    assert server.asked[0].headers["X-Who"] == "me"


def test_a_prefix_stands_before_every_path() -> None:
    with serving(always()) as (server, target):
        ask(Target(target.host, target.port, prefix="/here"), "/there", 5)
    assert server.paths == ["/here/there"]


def test_a_unix_socket_is_as_good_as_a_host(tmp_path: Path) -> None:
    with serving(always(body=b"hello"), tmp_path / "s") as (_, target):
        assert ask(target, "/", 5).text == "hello"


@pytest.mark.parametrize(
    ("behaviour", "trouble", "begun"),
    [
        (acting(HANG), Trouble.TIMEOUT, False),
        (acting(answer()[:20], HANG), Trouble.TIMEOUT, False),
        (acting(answer(body=b"0123456789")[:-5], HANG), Trouble.TIMEOUT, True),
        (acting(RESET), Trouble.RESET, False),
        (acting(), Trouble.RESET, False),
        (acting(answer(body=b"0123456789")[:-5]), Trouble.BROKEN, True),
        (acting(b"SSH-2.0-OpenSSH\r\n"), Trouble.BROKEN, False),
        (
            acting(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhal"),
            Trouble.BROKEN,
            True,
        ),
    ],
)
def test_what_is_no_whole_answer_is_an_error(
    behaviour: Behaviour, trouble: Trouble, *, begun: bool
) -> None:
    patience = SOON if trouble is Trouble.TIMEOUT else LONG
    with serving(behaviour) as (_, target), pytest.raises(NoAnswerError) as caught:
        ask(target, "/", patience)
    assert (caught.value.trouble, caught.value.begun) == (trouble, begun)


@pytest.mark.parametrize("whole", [answer(body=b"x" * 50), b"x" * 50])
def test_an_answer_byte_by_byte_does_not_stretch_the_deadline(whole: bytes) -> None:
    """Each byte comes well within the time-out of a socket, in the headers as in the body; all take minutes."""
    dripping = [act for byte in whole * 50 for act in (bytes([byte]), 0.05)]
    begun = time.monotonic()
    with serving(acting(*dripping)) as (_, target), pytest.raises(NoAnswerError) as caught:
        ask(target, "/", SOON)
    assert caught.value.trouble is Trouble.TIMEOUT
    assert str(caught.value) == "timeout: no whole answer within 1 s"
    assert time.monotonic() - begun < 30


def test_nobody_there_is_a_refusal(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        target = Target("127.0.0.1", free.getsockname()[1])
        with pytest.raises(NoAnswerError, match=r"^connection refused: "):
            ask(target, "/", 5)
    with pytest.raises(NoAnswerError) as caught:
        ask(Target(socket=tmp_path / "nowhere"), "/", 5)
    assert caught.value.trouble is Trouble.REFUSED


def test_a_time_that_is_over_asks_nobody() -> None:
    with serving(always()) as (server, target):
        with pytest.raises(NoAnswerError, match=r"^timeout"):
            ask(target, "/", 0)
        assert server.paths == []


def test_a_path_that_is_none_is_an_error_of_its_own_kind() -> None:
    with serving(always()) as (_, target), pytest.raises(NoAnswerError) as caught:
        ask(target, "/a b", 5)
    assert caught.value.trouble is Trouble.BROKEN


def test_a_body_without_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "LIMIT_BYTES", 1000)
    for endless in (
        acting(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 5000, HANG),
        acting(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n", b"x" * 5000, HANG),
    ):
        with serving(endless) as (_, target):
            assert ask(target, "/", 5).body == b"x" * 1000


def test_an_answer_without_a_body_may_name_its_length() -> None:
    with serving(acting(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n")) as (_, target):
        assert ask(target, "/", 5).status == 304


def test_every_address_of_a_name_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that stands for ::1 first is no reason to miss what listens on 127.0.0.1."""
    with serving(always()) as (_, target):
        port = target.port
        found = [
            (family, socket.SOCK_STREAM, 6, "", (host, port))
            for family, host in ((socket.AF_INET6, "::1"), (socket.AF_INET, "127.0.0.1"))
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_more: found)
        assert ask(Target("both.example", port), "/", 5).status == 200


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("http://one.example:9090/", Target("one.example", 9090)),
        ("https://one.example/a/b/", Target("one.example", tls=True, prefix="/a/b")),
    ],
)
def test_an_address_becomes_a_target(url: str, target: Target) -> None:
    assert at(url) == target


@pytest.mark.parametrize("url", ["one.example:9090", "ftp://one.example", "http://", ""])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="is no http or https address"):
        at(url)


@pytest.fixture
def secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """Give a server's certificate for localhost that this process trusts."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"]
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    where = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*made, *names, *where], check=True, capture_output=True)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    return context


def test_a_secure_address_is_asked_in_secret(secret: ssl.SSLContext) -> None:
    with serving(always(body=b"sealed")) as (server, target):
        server.secret = secret
        assert ask(Target("localhost", target.port, tls=True), "/", 5).text == "sealed"


def test_a_secure_address_has_the_same_deadline(secret: ssl.SSLContext) -> None:
    dripping = [act for byte in answer(body=b"x" * 2000) for act in (bytes([byte]), 0.05)]
    with serving(acting(*dripping)) as (server, target):
        server.secret = secret
        begun = time.monotonic()
        with pytest.raises(NoAnswerError) as caught:
            ask(Target("localhost", target.port, tls=True), "/", SOON)
    assert caught.value.trouble is Trouble.TIMEOUT
    assert time.monotonic() - begun < 30


def test_a_certificate_that_nobody_vouches_for_is_refused(
    secret: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with serving(always()) as (server, target):
        server.secret = secret
        with pytest.raises(NoAnswerError, match="certificate verify failed"):
            ask(Target("localhost", target.port, tls=True), "/", 5)
        assert server.paths == []
