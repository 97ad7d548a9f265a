"""The stand-in as a WSGI application: reads a request, lets a fault strike, has it answered, logs, sends."""

from __future__ import annotations

import gzip
import io
import secrets
import socket
import struct
import tempfile
import threading
import time
import traceback
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from email.utils import formatdate
from http import HTTPStatus
from typing import BinaryIO, NoReturn, cast
from urllib.parse import parse_qsl

from werkzeug.datastructures import EnvironHeaders

from standins.github import pages, smart_http
from standins.github.controls import Controls
from standins.github.faults import STATUSES, Fault, Faults, Kind, answer
from standins.github.latency import Latency
from standins.github.messages import API, GRAPHQL, ApiError, Request, Response
from standins.github.requests_log import RequestLog
from standins.github.store import Store
from standins.serving import Environ, StartResponse

_IN_MEMORY = 4 * 1024 * 1024
_BLOCK = 1 << 16
_OWN_NAMES = frozenset({"127.0.0.1", "localhost"})
_PIECES = 10  # of a slow answer


@dataclass(frozen=True)
class Application:
    """Answers all requests. `respond` answers those to GitHub itself, and names the route."""

    respond: Callable[[Request], tuple[Response, str]]
    controls: Controls
    store: Store
    faults: Faults
    log: RequestLog
    latency: Latency
    stopping: threading.Event

    def __call__(self, environ: Environ, start: StartResponse) -> Iterable[bytes]:
        """Answer one request (WSGI). Raises OSError where the connection ends without a whole answer."""
        began = time.monotonic()
        request, size = read(environ)
        git = smart_http.is_git(request.path)
        if not git and not request.path.startswith((API, GRAPHQL)):
            return _send(self._own(request), start)
        kind: Kind = "git" if git else "rest"
        fault = self.faults.next(kind, request.method, request.target)
        response, route = None, ""
        if fault is None or fault.acts:
            response, route = self._response(request)
        sent = self._struck(fault, kind, request, response) if fault else response
        seconds = round(time.monotonic() - began, 4)
        if sent is not None:
            self.latency.delay()
        self.log.add(
            method=request.method,
            path=request.target,
            kind=kind,
            status=sent.status if sent else 0,
            bytes_in=size,
            bytes_out=sent.size if sent else 0,
            seconds=seconds,
            route=route,
            fault=fault.name if fault else "",
        )
        return self._deliver(sent, fault, start, environ["werkzeug.socket"])

    def _deliver(
        self, response: Response | None, fault: Fault | None, start: StartResponse, connection: socket.socket
    ) -> Iterable[bytes]:
        """Send the answer as the fault would have it. Raises OSError where it is not sent, or not whole."""
        if response is None:
            _reset(connection)
        if fault and fault.name == "truncated":
            return _truncated(response, start, connection)
        if fault and fault.name == "slow":
            return self._slow(response, start, fault.seconds)
        if fault and fault.name == "endless":
            return self._endless(response, start, fault.seconds)
        if fault and fault.name == "drip":
            return self._drip(response, start, fault.seconds)
        if fault and fault.name == "no-flush":
            response = replace(response, body=response.content()[:-4], file=None)
        return _send(response, start)

    def _own(self, request: Request) -> Response:
        """Answer a control or a page."""
        host = request.headers.get("host", "").rpartition(":")[0] or request.headers.get("host", "")
        if host not in _OWN_NAMES or "origin" in request.headers:  # a page of another site, in a browser here
            return ApiError(403, "This is for programs and pages of this machine.").response()
        try:
            if request.path.startswith("/_standin"):
                return self.controls.serve(request)
            if request.method not in ("GET", "HEAD"):
                return ApiError(405, "Method not allowed").response()
            return pages.serve(self.store, request.path)
        except Exception:
            return _failed()

    def _response(self, request: Request) -> tuple[Response, str]:
        try:
            return self.respond(request)
        except Exception:
            return _failed(), ""

    def _struck(self, fault: Fault, kind: Kind, request: Request, response: Response | None) -> Response | None:
        """Return the answer under a fault; None where the connection is reset in place of one."""
        if fault.name == "timeout":
            self.stopping.wait(fault.seconds)
            return None
        if fault.name in STATUSES:
            return answer(fault, kind, request)
        return None if fault.name == "reset-after" else response

    def _slow(self, response: Response, start: StartResponse, seconds: float) -> Iterator[bytes]:
        """Send the answer in ten pieces, spread over the time; the head comes with the first."""
        start(*_head(response))
        body = response.content()
        step = -(-len(body) // _PIECES)
        for number in range(_PIECES):
            self.stopping.wait(seconds / _PIECES)
            yield body[number * step : (number + 1) * step]

    def _drip(self, response: Response, start: StartResponse, seconds: float) -> Iterator[bytes]:
        """Send the answer without its end, then what means nothing, again and again, until the client goes.

        A client that only counts the time without a byte waits for ever. On Git it is what a server sends that works
        on a push for long: a packet without a content (gitprotocol-capabilities, side-band).
        """
        if not response.size:
            yield from _send(response, start)  # it ends with its head
            return
        status, headers = _head(response)
        start(status, [(name, value) for name, value in headers if name != "content-length"])
        git = response.headers.get("content-type", "").startswith("application/x-git-")
        yield response.content()[:-4] if git else response.content()
        while not self.stopping.wait(seconds):
            yield b"0005\2" if git else b" "

    def _endless(self, response: Response, start: StartResponse, seconds: float) -> Iterator[bytes]:
        """Send the answer but for its last four bytes, a flush packet's, and then nothing for a while."""
        start(*_head(response))
        yield response.content()[:-4]
        self.stopping.wait(seconds)
        raise ConnectionAbortedError("A fault left the answer without an end.")


def read(environ: Environ) -> tuple[Request, int]:
    """Return the request and the length of its body as it was sent. Raises OSError for a body that is cut off."""
    body = cast("BinaryIO", tempfile.SpooledTemporaryFile(_IN_MEMORY))  # noqa: SIM115 (outlives the call)
    size = 0
    while block := environ["wsgi.input"].read(_BLOCK):
        size += body.write(block)
    body.seek(0)
    target = environ["RAW_URI"].encode("latin-1").decode("utf-8")  # as it was sent, not unquoted
    path, _, raw_query = target.partition("?")
    headers = {name.lower(): value for name, value in EnvironHeaders(environ)}
    if headers.get("content-encoding") in ("gzip", "x-gzip") and not smart_http.is_git(path):
        try:  # what Git sends is unpacked by http-backend
            body = io.BytesIO(gzip.decompress(body.read()))
        except (EOFError, zlib.error) as error:
            raise ConnectionAbortedError("The body is not gzip.") from error
    query = dict(parse_qsl(raw_query, keep_blank_values=True))
    return Request(environ["REQUEST_METHOD"], path, query, headers, body, raw_query), size


def _failed() -> Response:
    """Answer 500 for a mistake of the stand-in's own, and say on standard error which."""
    traceback.print_exc()
    return ApiError(500, "The GitHub stand-in failed; its standard error tells why.").response()


# -- on the wire ------------------------------------------------------------------------------------------------------


def _head(response: Response) -> tuple[str, list[tuple[str, str]]]:
    """Return status and headers as WSGI takes them."""
    headers = {
        "date": formatdate(usegmt=True),
        "server": "github.com",
        "x-github-request-id": "-".join(secrets.token_hex(size).upper() for size in (2, 3, 4)),
        **response.headers,
    }
    if response.status not in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED):
        headers["content-length"] = str(response.size)
    return f"{response.status} {HTTPStatus(response.status).phrase}", list(headers.items())


def _send(response: Response, start: StartResponse) -> Iterator[bytes]:
    """Send an answer, a file block by block."""
    start(*_head(response))
    if response.file is None:
        yield response.body
        return
    response.file.seek(0)
    while block := response.file.read(_BLOCK):
        yield block


def _truncated(response: Response, start: StartResponse, connection: socket.socket) -> Iterable[bytes]:
    """Send the head and half of the body; half of the status line when there is no body."""
    body = response.content()
    if len(body) > 1:
        start(*_head(response))
        return [body[: len(body) // 2]]
    connection.sendall(f"HTTP/1.1 {response.status}".encode()[:11])
    raise ConnectionAbortedError("A fault cut the answer off.")


def _reset(connection: socket.socket) -> NoReturn:
    """Close the connection at once, with a TCP reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
    raise ConnectionAbortedError("A fault reset the connection.")
