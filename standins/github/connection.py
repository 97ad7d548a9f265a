"""One connection: reads requests, lets faults strike, has them answered, writes and logs."""

from __future__ import annotations

import contextlib
import gzip
import io
import secrets
import socket
import socketserver
import struct
import tempfile
import threading
import time
import traceback
import zlib
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, BinaryIO, cast
from urllib.parse import parse_qsl

from standins.github import pages, smart_http
from standins.github.faults import STATUSES, Fault, Kind, answer
from standins.github.messages import API, ApiError, Request, Response

if TYPE_CHECKING:
    from standins.github.server import GitHubStandIn

_IN_MEMORY = 4 * 1024 * 1024
_BLOCK = 1 << 16
_OWN_NAMES = frozenset({"127.0.0.1", "localhost"})


class Server(ThreadingHTTPServer):
    """A server that can close its connections."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, address: tuple[str, int], github: GitHubStandIn) -> None:
        self.github = github
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()
        super().__init__(address, Handler)

    def server_bind(self) -> None:
        """Bind, without the look-up of the host's name in the DNS that HTTPServer makes."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[0], self.server_address[1]  # type: ignore[assignment]

    def remember(self, connection: socket.socket, opened: bool) -> None:
        """Keep track of the open connections."""
        with self._guard:
            (self._open.add if opened else self._open.discard)(connection)

    def close_connections(self) -> None:
        """Close all connections, so that no client waits."""
        with self._guard:
            connections = list(self._open)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no news."""


class _Gone(Exception):
    """The connection is to be closed without a (whole) answer."""


class Handler(BaseHTTPRequestHandler):
    """One connection; many requests may come on it."""

    protocol_version = "HTTP/1.1"
    server_version, sys_version = "github.com", ""
    disable_nagle_algorithm = True
    timeout = 300
    server: Server

    def setup(self) -> None:
        """Note the connection."""
        super().setup()
        self.server.remember(self.connection, True)

    def finish(self) -> None:
        """Forget the connection."""
        with contextlib.suppress(OSError):
            super().finish()
        self.server.remember(self.connection, False)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the request log is kept elsewhere, and an URL may be private."""

    def __getattr__(self, name: str) -> Callable[[], None]:
        """Serve every method in one place."""
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    # -- in ---------------------------------------------------------------------------------------------------------

    def _chunks(self) -> Iterator[bytes]:
        if "chunked" in self.headers.get("transfer-encoding", "").lower():
            while size := int(self.rfile.readline().split(b";")[0], 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass
            return
        left = max(0, int(self.headers.get("content-length") or 0))
        while left:
            block = self.rfile.read(min(left, _BLOCK))
            if not block:
                raise _Gone
            left -= len(block)
            yield block

    def _request(self) -> tuple[Request, int]:
        body = cast("BinaryIO", tempfile.SpooledTemporaryFile(_IN_MEMORY))  # noqa: SIM115 (outlives the call)
        size = 0
        for block in self._chunks():
            size += body.write(block)
        path, _, raw_query = self.path.partition("?")
        headers = {name.lower(): value for name, value in self.headers.items()}
        git = smart_http.is_git(path)
        if headers.get("content-encoding") in ("gzip", "x-gzip") and not git:  # http-backend unpacks its own
            body.seek(0)
            body = io.BytesIO(gzip.decompress(body.read()))
        body.seek(0)
        query = dict(parse_qsl(raw_query, keep_blank_values=True))
        return Request(self.command, path, query, headers, body, raw_query), size

    # -- the work -----------------------------------------------------------------------------------------------------

    def _serve(self) -> None:
        began = time.monotonic()
        github = self.server.github
        try:
            request, size = self._request()
        except (_Gone, OSError, ValueError, EOFError, zlib.error):
            self.close_connection = True
            return
        git = smart_http.is_git(request.path)
        if not git and not request.path.startswith(API):
            self._guarded(lambda: self._send(self._own(request)))
            return
        kind: Kind = "git" if git else "rest"
        fault = github.faults.next(kind, request.method, request.target)
        response, route = None, ""
        try:
            if fault is None or fault.acts:
                response, route = self._respond(request)
            sent = self._struck(fault, kind, response) if fault else cast("Response", response)
            status, out = sent.status, sent.length if sent.file else len(sent.body)
        except _Gone:
            status, out, sent = 0, 0, None
        github.log.add(
            method=request.method,
            path=request.target,
            kind=kind,
            status=status,
            bytes_in=size,
            bytes_out=out,
            seconds=round(time.monotonic() - began, 4),
            route=route,
            fault=fault.name if fault else "",
        )
        if sent is None:
            self._reset()
        elif fault and fault.name == "truncated":
            self._guarded(lambda: self._truncate(sent))
        elif fault and fault.name == "slow":
            self._guarded(lambda: self._dribble(sent, fault.seconds))
        else:
            self._guarded(lambda: self._send(sent))

    def _own(self, request: Request) -> Response:
        github = self.server.github
        host = request.headers.get("host", "").rpartition(":")[0] or request.headers.get("host", "")
        if host not in _OWN_NAMES or "origin" in request.headers:  # a page of another site, in a browser here
            return ApiError(403, "This is for programs and pages of this machine.").response()
        try:
            if request.path.startswith("/_standin"):
                return github.controls.serve(request)
            if request.method not in ("GET", "HEAD"):
                return ApiError(405, "Method not allowed").response()
            return pages.serve(github.store, request.path)
        except Exception:
            return self._failed()

    def _respond(self, request: Request) -> tuple[Response, str]:
        try:
            return self.server.github.respond(request)
        except Exception:
            return self._failed(), ""

    @staticmethod
    def _failed() -> Response:
        """Answer 500 for a mistake of the stand-in's own, and say on standard error which."""
        traceback.print_exc()
        return ApiError(500, "The GitHub stand-in failed; its standard error tells why.").response()

    # -- faults -------------------------------------------------------------------------------------------------------

    def _struck(self, fault: Fault, kind: Kind, response: Response | None) -> Response:
        """Return the answer under a fault; raise _Gone when there is none."""
        if fault.name == "timeout":
            self.server.github.stopping.wait(fault.seconds)
            raise _Gone
        if fault.name in STATUSES:
            return answer(fault, kind)
        if response is None or fault.name == "reset-after":
            raise _Gone
        return response

    def _reset(self) -> None:
        """Close the connection at once, with a TCP reset."""
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()

    def _truncate(self, response: Response) -> None:
        """Send the head and half of the body; half of the status line when there is no body."""
        head, body = self._head(response), response.content()
        self.wfile.write(head + body[: len(body) // 2] if len(body) > 1 else head[:11])
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def _dribble(self, response: Response, seconds: float) -> None:
        """Send the answer in ten pieces, spread over the time."""
        data = self._head(response) + response.content()
        step = max(1, -(-len(data) // 10))
        for position in range(0, len(data), step):
            self.wfile.write(data[position : position + step])
            self.server.github.stopping.wait(seconds / 10)

    # -- out ----------------------------------------------------------------------------------------------------------

    def _head(self, response: Response) -> bytes:
        """Return the status line and the headers."""
        length = response.length if response.file else len(response.body)
        headers = {
            "date": self.date_time_string(),
            "server": "github.com",
            "x-github-request-id": "-".join(secrets.token_hex(size).upper() for size in (2, 3, 4)),
            **response.headers,
        }
        if response.status not in (204, 304):
            headers["content-length"] = str(length)
        if self.close_connection:
            headers["connection"] = "close"
        reason = self.responses.get(response.status, ("",))[0]
        lines = [f"HTTP/1.1 {response.status} {reason}", *(f"{name}: {value}" for name, value in headers.items())]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")

    def _send(self, response: Response) -> None:
        head = self._head(response)
        if self.command == "HEAD" or response.status in (204, 304):
            self.wfile.write(head)
        elif response.file is None:
            self.wfile.write(head + response.body)
        else:
            response.file.seek(0)
            self.wfile.write(head)
            while block := response.file.read(_BLOCK):
                self.wfile.write(block)

    def _guarded(self, send: Callable[[], None]) -> None:
        """Send; a client that has gone is no error."""
        try:
            send()
        except OSError:
            self.close_connection = True
