"""The HTTP server of both stand-ins: werkzeug's, with connections that stay open, and an end that waits for nothing."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import sys
import threading
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any, BinaryIO, cast

from werkzeug.exceptions import ClientDisconnected
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler
from werkzeug.wsgi import LimitedStream

HOST = "127.0.0.1"
Environ = dict[str, Any]
StartResponse = Callable[[str, list[tuple[str, str]]], object]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

_BLOCK = 1 << 16
_IDLE_SECONDS = 300
_POLL_SECONDS = 0.05  # where the end of a listening socket wakes nobody (macOS)


class CannotListen(Exception):
    """The port is taken, or may not be bound."""


class Server(ThreadedWSGIServer):
    """Serves an application at 127.0.0.1, each connection in a thread of its own."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, port: int, application: Application) -> None:
        """Bind the port (0 = a free one); `serve_forever` serves. Raises CannotListen."""
        self._connections: set[socket.socket] = set()
        self._guard = threading.Lock()
        super().__init__(HOST, port, application, Handler)
        self.url = f"http://{HOST}:{self.port}"

    def server_bind(self) -> None:
        """Bind, without the look-up of the host's name in the DNS that HTTPServer makes."""
        try:
            socketserver.TCPServer.server_bind(self)
        except OSError as error:
            raise CannotListen(f"Port {self.port} of {HOST}: {error.strerror}.") from error
        self.server_name, self.server_port = HOST, self.server_address[1]

    def serve_forever(self, poll_interval: float = _POLL_SECONDS) -> None:
        """Serve until `stop`, or a KeyboardInterrupt."""
        super().serve_forever(poll_interval)

    def stop(self) -> None:
        """End serving at once, from another thread; the clients' connections are closed, so that none waits."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)  # wakes serve_forever, which would look again after its interval
        self.shutdown()
        with self._guard:
            connections = list(self._connections)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection in a thread, and remember it while it is open."""
        with self._guard:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection and forget it."""
        with self._guard:
            self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Report a mistake of ours; that a client went away is no news."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class Handler(WSGIRequestHandler):
    """A connection, on which one request comes after the other.

    werkzeug's own `run_wsgi` closes it after each answer: it cannot tell whether the application has read the whole
    request. Here what was left of it is read before the answer begins.
    """

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = _IDLE_SECONDS
    server: Server

    def run_wsgi(self) -> None:
        """Answer one request. An answer that ends too early, or an application's OSError, ends the connection."""
        self.environ = self.make_environ()
        body = self._body()
        answer = _Answer(self, body)
        result: Iterable[bytes] = ()
        try:
            result = self.server.app(self.environ, answer.start)
            for block in result:
                answer.write(block)
            answer.end()
        except (OSError, ClientDisconnected):
            self.close_connection = True
        finally:
            if close := getattr(result, "close", None):
                close()

    def _body(self) -> Any:
        """Return the request's body, which ends where the request does."""
        if "wsgi.input_terminated" not in self.environ:
            length = self.headers.get("content-length", "")
            self.environ["wsgi.input"] = LimitedStream(
                cast("BinaryIO", self.rfile), int(length) if length.isdecimal() else 0
            )
            self.environ["wsgi.input_terminated"] = True
        return self.environ["wsgi.input"]

    def log(self, type: str, message: str, *args: Any) -> None:
        """Drop the line: requests are logged elsewhere, and an URL may be private."""


class _Answer:
    """An answer on its way out."""

    def __init__(self, handler: Handler, body: Any) -> None:
        self._handler, self._body = handler, body
        self._status, self._headers = "", list[tuple[str, str]]()
        self._begun = self._bodiless = False
        self._owed: int | None = None  # bytes of the announced length that were not sent yet

    def start(self, status: str, headers: list[tuple[str, str]], _failure: object = None) -> Callable[[bytes], object]:
        """Take status and headers (WSGI's start_response); they are sent with the first block."""
        self._status, self._headers = status, headers
        return self.write

    def write(self, block: bytes) -> None:
        """Send a block of the body, after the head if that was not sent."""
        if not self._begun:
            self._begin()
        if block and not self._bodiless:
            self._handler.wfile.write(block)
            if self._owed is not None:
                self._owed -= len(block)

    def end(self) -> None:
        """Send what was not sent yet; end the connection unless the client can tell where the answer ends."""
        if not self._begun:
            self._begin()
        if self._owed is None or self._owed:
            self._handler.close_connection = True

    def _begin(self) -> None:
        handler, self._begun = self._handler, True
        while self._body.read(_BLOCK):  # what the application left, so that the next request begins after it
            pass
        code, _, reason = self._status.partition(" ")
        lengths = [int(value) for name, value in self._headers if name.lower() == "content-length"]
        self._bodiless = handler.command == "HEAD" or int(code) in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)
        self._owed = 0 if self._bodiless else lengths[0] if lengths else None
        if self._owed is None:
            handler.close_connection = True
        handler.send_response_only(int(code), reason)
        for name, value in self._headers:
            handler.send_header(name, value)
        if handler.close_connection:
            handler.send_header("Connection", "close")
        handler.end_headers()
