"""Forwarding ports: real sockets, as browsers and services use them."""

import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[3] / "pipelines/programs/forward.py"
PATIENCE = 10.0


def free_port() -> int:
    """Find a port that nobody listens at."""
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        port: int = asked.getsockname()[1]
        return port


@contextmanager
def forwarding(*routes: str) -> "Iterator[subprocess.Popen[str]]":
    """Run the program until the block ends; by then it listens at every port."""
    process = subprocess.Popen(
        [sys.executable, str(PROGRAM), *routes], stderr=subprocess.PIPE, text=True
    )
    try:
        for route in routes:
            wait_for(int(route.partition("=")[0]), process)
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_for(port: int, process: "subprocess.Popen[str]") -> None:
    """Wait until somebody listens, without connecting: that would be forwarded."""
    deadline = time.monotonic() + PATIENCE
    listening = f":{port:04X} 00000000:0000 0A"
    while listening not in Path("/proc/net/tcp").read_text():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.01)


def connect(port: int) -> socket.socket:
    """Connect, with patience for every answer."""
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)


def everything(connection: socket.socket) -> bytes:
    """Read until the other side ends."""
    parts = []
    while data := connection.recv(65536):
        parts.append(data)
    return b"".join(parts)


@pytest.fixture
def echo() -> Iterator[int]:
    """Answer with all that came, once the other side has said its last word."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer(connection: socket.socket) -> None:
            with connection:
                connection.sendall(b"heard: " + everything(connection))

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=answer, args=[connection], daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def test_an_answer_comes_back_after_the_question_has_ended(echo: int) -> None:
    """Half-closed, as HTTP/1.0 clients and databases do."""
    port = free_port()
    with forwarding(f"{port}=127.0.0.1:{echo}"), connect(port) as connection:
        connection.sendall(b"a question")
        connection.shutdown(socket.SHUT_WR)
        assert everything(connection) == b"heard: a question"


def test_every_port_leads_to_its_own_server(echo: int) -> None:
    one, two = free_port(), free_port()
    with socket.create_server(("127.0.0.1", 0)) as other:
        routes = [f"{one}=127.0.0.1:{echo}", f"{two}=localhost:{other.getsockname()[1]}"]
        with forwarding(*routes), connect(one) as first, connect(two) as second:
            far, _ = other.accept()
            with far:
                far.settimeout(PATIENCE)
                second.sendall(b"to the other")
                assert far.recv(100) == b"to the other"
                far.sendall(b"from the other")
                assert second.recv(100) == b"from the other"
            first.sendall(b"still here")
            first.shutdown(socket.SHUT_WR)
            assert everything(first) == b"heard: still here"


def test_much_goes_through_whole(echo: int) -> None:
    port, much = free_port(), bytes(range(256)) * 20_000
    with forwarding(f"{port}=127.0.0.1:{echo}"), connect(port) as connection:

        def send() -> None:
            connection.sendall(much)
            connection.shutdown(socket.SHUT_WR)

        sender = threading.Thread(target=send)
        sender.start()
        assert everything(connection) == b"heard: " + much
        sender.join()


def test_a_server_that_does_not_answer_costs_its_caller_the_connection_and_nobody_else(
    echo: int,
) -> None:
    dead, alive, nobody = free_port(), free_port(), free_port()
    with forwarding(f"{dead}=127.0.0.1:{nobody}", f"{alive}=127.0.0.1:{echo}") as process:
        with connect(alive) as before:
            with connect(dead) as refused:
                assert everything(refused) == b""
            before.sendall(b"during")
            before.shutdown(socket.SHUT_WR)
            assert everything(before) == b"heard: during"
        with connect(alive) as after:
            after.shutdown(socket.SHUT_WR)
            assert everything(after) == b"heard: "
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate(timeout=PATIENCE)
    assert told.startswith(f"forward.py: 127.0.0.1:{nobody} does not answer: ")
    assert told.count("\n") == 1


def test_who_hangs_up_in_the_middle_ends_only_its_own_connection(echo: int) -> None:
    port = free_port()
    with forwarding(f"{port}=127.0.0.1:{echo}") as process:
        rude = connect(port)
        rude.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        rude.sendall(b"never")
        rude.close()
        with connect(port) as polite:
            polite.sendall(b"please")
            polite.shutdown(socket.SHUT_WR)
            assert everything(polite) == b"heard: please"
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate(timeout=PATIENCE)
    assert "Traceback" not in told


def test_a_server_that_hangs_up_ends_the_callers_connection() -> None:
    port = free_port()
    with socket.create_server(("127.0.0.1", 0)) as server:
        route = f"{port}=127.0.0.1:{server.getsockname()[1]}"
        with forwarding(route), connect(port) as connection:
            far, _ = server.accept()
            far.sendall(b"good bye")
            far.close()
            assert everything(connection) == b"good bye"


def test_sigterm_ends_it_with_0_also_in_the_middle_of_a_connection(echo: int) -> None:
    port = free_port()
    with forwarding(f"{port}=127.0.0.1:{echo}") as process, connect(port) as open_one:
        open_one.sendall(b"unfinished")
        time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate(timeout=PATIENCE)
        assert (process.returncode, told) == (0, "")
