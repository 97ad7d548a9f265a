"""HTTP messages inside the stand-in: what came in, what goes out, and GitHub's form of an error."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, BinaryIO

Json = dict[str, Any]
API = "/api/v3"  # root of REST, as on GitHub Enterprise Server
GRAPHQL = "/api/graphql"
DOCUMENTATION = "https://docs.github.com/rest"


@dataclass(frozen=True)
class Request:
    """One request. `path` is as sent (still quoted), header names are lower case, `body` is rewound."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: BinaryIO
    raw_query: str = ""

    @property
    def target(self) -> str:
        """Path and query, as in the request line."""
        return f"{self.path}?{self.raw_query}" if self.raw_query else self.path

    def json(self) -> Json:
        """Return the body's JSON object, {} for no body. Raises ApiError as GitHub words it."""
        self.body.seek(0)
        raw = self.body.read()
        if not raw.strip():
            return {}
        try:
            data = json.loads(raw)
        except ValueError:
            raise ApiError(400, "Problems parsing JSON") from None
        if not isinstance(data, dict):
            raise ApiError(400, "Body should be a JSON object")
        return data


@dataclass
class Response:
    """One answer: a body in memory, or a file to send from its start (`length` bytes)."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    file: BinaryIO | None = None
    length: int = 0

    @staticmethod
    def json(status: int, data: Any, headers: Mapping[str, str] | None = None) -> Response:
        """Return a JSON answer."""
        body = json.dumps(data, ensure_ascii=False).encode()
        return Response(status, body, {"content-type": "application/json; charset=utf-8", **(headers or {})})

    @staticmethod
    def text(status: int, text: str, headers: Mapping[str, str] | None = None) -> Response:
        """Return a plain text answer."""
        return Response(status, text.encode(), {"content-type": "text/plain; charset=utf-8", **(headers or {})})

    @staticmethod
    def empty(status: int = HTTPStatus.NO_CONTENT) -> Response:
        """Return an answer without a body."""
        return Response(status)

    @property
    def size(self) -> int:
        """Length of the body in bytes."""
        return len(self.body) if self.file is None else self.length

    def content(self) -> bytes:
        """Return the whole body."""
        if self.file is None:
            return self.body
        self.file.seek(0)
        return self.file.read()


class ApiError(Exception):
    """An answer that is an error, in GitHub's form: message, errors, documentation_url, status."""

    def __init__(
        self,
        status: int,
        message: str,
        errors: list[Any] | None = None,
        *,
        documentation: str = "",
        headers: Mapping[str, str] | None = None,
        extra: Json | None = None,
    ) -> None:
        """`documentation` is a page below GitHub's REST documentation; "" is the page of the route."""
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = errors
        self.documentation = documentation
        self.headers = dict(headers or {})
        self.extra = extra or {}

    def response(self, documentation: str = "") -> Response:
        """Return the answer; `documentation` is the route's page."""
        page = self.documentation or documentation
        link = page if page.startswith("https:") else f"{DOCUMENTATION}/{page}".rstrip("/")
        data: Json = {"message": self.message}
        if self.errors is not None:
            data["errors"] = self.errors
        data |= {"documentation_url": link, "status": str(self.status), **self.extra}
        return Response.json(self.status, data, self.headers)


def not_found() -> ApiError:
    """Return GitHub's answer for what does not exist or may not be seen."""
    return ApiError(404, "Not Found")


def invalid(message: str, /, **error: str) -> ApiError:
    """Return a 422 with one error entry (resource, code, field, message)."""
    return ApiError(422, message, [error])
