"""GitHub Apps: installation tokens for a verified JSON web token."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta

from pydantic import BaseModel

from standins.github import shapes
from standins.github.access import authenticate_app, may_see, role_in
from standins.github.messages import ApiError, Response, not_found
from standins.github.rest.router import Call, route


class Wanted(BaseModel):
    """The body: some of the installation's permissions, or all of them."""

    permissions: dict[str, str] | None = None


_HOUR = timedelta(hours=1)


@route(
    "POST",
    "/app/installations/{installation_id}/access_tokens",
    "apps/apps#create-an-installation-access-token-for-an-app",
)
def create_installation_token(call: Call) -> Response:
    """Return a token of an installation, good for an hour, with all or some of its permissions."""
    app = authenticate_app(call.store, call.request.headers)
    wanted = call.parameters["installation_id"]
    installation = next((it for it in app.installations if str(it.id) == wanted), None)
    if installation is None:
        raise not_found()
    permissions = call.parsed(Wanted).permissions or installation.permissions
    rank = {"read": 1, "write": 2}
    for name, level in permissions.items():
        if rank.get(level, 3) > rank.get(installation.permissions.get(name, ""), 0):
            raise ApiError(422, "The permissions requested are not granted to this installation.")
    value = f"ghs_{secrets.token_hex(18)}"
    expires = (datetime.now(UTC) + _HOUR).strftime("%Y-%m-%dT%H:%M:%SZ")
    user = call.store.add_account(f"{app.slug}[bot]", "User")
    call.store.add_token(
        value,
        kind="installation",
        login=user.login,
        user_id=user.id,
        permissions=permissions,
        organizations=[installation.organization],
        expires_at=expires,
    )
    answer = {"token": value, "expires_at": expires, "permissions": permissions, "repository_selection": "all"}
    return Response.json(201, answer)


@route("GET", "/installation/repositories", "apps/installations#list-repositories-accessible-to-the-app-installation")
def list_installation_repositories(call: Call) -> Response:
    """Return the repositories of the organization in which the App is installed."""
    token = call.user
    if token.kind != "installation":
        raise ApiError(403, "You must authenticate with an installation access token in order to list repositories.")
    own = [it for it in call.store.repositories() if role_in(token, it.owner) != "none" and may_see(token, it)]
    items, headers = call.page(own)
    shown = [shapes.repository(call.urls, it, call.owner(it), role_in(token, it.owner)) for it in items]
    return Response.json(200, {"total_count": len(own), "repositories": shown}, headers)
