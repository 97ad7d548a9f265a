"""The headers of REST answers: what the token may do, how long an answer may be kept, whether the client has it."""

from __future__ import annotations

import hashlib

from standins.github.access import Need
from standins.github.messages import Request, Response
from standins.github.model import Token

_VARY = "Accept, Authorization, Cookie, X-GitHub-OTP,Accept-Encoding, Accept, X-Requested-With"


def complete(request: Request, response: Response, token: Token | None, need: Need | None) -> Response:
    """Add the headers that GitHub's answers have, and answer 304 to a client that has this already."""
    response.headers |= _told(token, need)
    if response.status >= 300 or not response.body:
        return response
    tag = f'W/"{hashlib.sha256(response.body).hexdigest()}"'
    response.headers |= {
        "etag": tag,
        "cache-control": f"{'private' if token else 'public'}, max-age=60, s-maxage=60",
    }
    read = request.method in ("GET", "HEAD") and response.status == 200
    if read and request.headers.get("if-none-match") == tag:
        return Response(304, headers=response.headers)
    return response


def _told(token: Token | None, need: Need | None) -> dict[str, str]:
    """Return the headers that tell what the token may do and what was needed."""
    headers = {
        "vary": _VARY,
        "x-github-media-type": "github.v3; format=json",
        "x-github-api-version-selected": "2022-11-28",
    }
    if token and token.kind == "classic":
        headers |= {"x-oauth-scopes": ", ".join(sorted(token.scopes)), "x-accepted-oauth-scopes": "repo"}
    elif token and need:
        headers["x-accepted-github-permissions"] = need.accepted
    if token and token.expires_at and token.kind != "installation":
        headers["github-authentication-token-expiration"] = token.expires_at.replace("T", " ").replace("Z", " UTC")
    return headers
