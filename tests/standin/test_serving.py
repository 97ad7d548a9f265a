"""The HTTP server under both stand-ins: connections stay open, whatever the application reads, and the end is quick."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Iterable, Iterator

import pytest

from standins.serving import CannotListen, Environ, Server, StartResponse


def application(environ: Environ, start: StartResponse) -> Iterable[bytes]:
    """Answer with the request's body; /unread does not look at it, /short ends early, /open announces no length."""
    path = environ["PATH_INFO"]
    body = b"unread" if path == "/unread" else environ["wsgi.input"].read()
    headers = [] if path == "/open" else [("content-length", str(len(body) + (path == "/short")))]
    start("204 No Content" if path == "/nothing" else "200 OK", headers)
    return [body]


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that would look for its end every ten minutes, were it not woken."""
    one = Server(0, application)
    thread = threading.Thread(target=one.serve_forever, args=(600,), daemon=True)
    thread.start()
    yield one
    one.stop()
    thread.join(10)
    assert not thread.is_alive()


@pytest.fixture
def connection(server: Server) -> Iterator[http.client.HTTPConnection]:
    one = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    yield one
    one.close()


def ask(
    connection: http.client.HTTPConnection, path: str, body: bytes = b"", method: str = "POST", **options: bool
) -> bytes:
    chunks = (body[at : at + 1000] for at in range(0, len(body), 1000))
    headers = {"Transfer-Encoding": "chunked"} if options.get("chunked") else {}
    given = chunks if options.get("chunked") else body
    connection.request(method, path, given, headers, encode_chunked=bool(options.get("chunked")))
    return connection.getresponse().read()


def test_one_connection_carries_many_requests(connection: http.client.HTTPConnection) -> None:
    assert ask(connection, "/echo", b"one") == b"one"
    opened = connection.sock
    assert ask(connection, "/echo", b"x" * 300_000) == b"x" * 300_000
    assert ask(connection, "/echo", b"y" * 300_000, chunked=True) == b"y" * 300_000
    assert ask(connection, "/nothing", b"z") == b""
    assert ask(connection, "/echo", b"", "HEAD") == b""
    for chunked in (False, True):
        assert ask(connection, "/unread", b"GET /evil HTTP/1.1\r\n\r\n" * 9000, chunked=chunked) == b"unread"
    assert ask(connection, "/echo", b"last") == b"last"
    assert opened is not None
    assert connection.sock is opened


def test_a_connection_ends_with_an_answer_whose_end_nobody_could_tell(connection: http.client.HTTPConnection) -> None:
    assert ask(connection, "/open", b"until the end") == b"until the end"
    assert connection.sock is None
    with pytest.raises(http.client.IncompleteRead):
        ask(connection, "/short", b"cut")


def test_a_body_that_is_cut_off_gets_no_answer(server: Server) -> None:
    for head in (
        b"Content-Length: 10\r\n\r\n123",
        b"Transfer-Encoding: chunked\r\n\r\n5\r\n123",
        b"Content-Length: 9\r\n\r\n",
    ):
        with socket.create_connection(("127.0.0.1", server.port), 20) as raw:
            raw.sendall(b"POST /echo HTTP/1.1\r\nHost: x\r\n" + head)
            raw.shutdown(socket.SHUT_WR)
            assert raw.recv(100) == b""


def test_the_end_closes_connections_and_waits_for_nothing(
    connection: http.client.HTTPConnection, server: Server
) -> None:
    assert ask(connection, "/echo", b"one") == b"one"
    kept = connection.sock
    server.stop()  # and serve_forever ends, which the fixture watches
    assert kept is not None
    assert kept.recv(1) == b""
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", server.port), 20)


def test_a_port_that_is_taken_is_named(server: Server) -> None:
    with pytest.raises(CannotListen, match=f"Port {server.port} of 127.0.0.1: Address already in use"):
        Server(server.port, application)
