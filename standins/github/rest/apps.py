"""GitHub Apps: installation tokens for a verified JSON web token."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from pydantic import BaseModel

from standins.github import shapes
from standins.github.access import authenticate_app, may_see, role_in, role_of, suspended
from standins.github.messages import ApiError, Json, Response, not_found
from standins.github.model import Installation, Repository
from standins.github.rest.router import Call, route


class Wanted(BaseModel):
    """The body: some of the installation's permissions and repositories, or all of them."""

    permissions: dict[str, str] | None = None
    repositories: list[str] | None = None
    repository_ids: list[int] | None = None


_HOUR = timedelta(hours=1)


@route(
    "POST",
    "/app/installations/{installation_id}/access_tokens",
    "apps/apps#create-an-installation-access-token-for-an-app",
)
def create_installation_token(call: Call) -> Response:
    """Return a token of an installation, good for an hour, with all or some of its permissions and repositories."""
    app = authenticate_app(call.store, call.request.headers)
    wanted = call.parameters["installation_id"]
    installation = next((it for it in app.installations if str(it.id) == wanted), None)
    if installation is None:
        raise not_found()
    if installation.suspended:
        raise suspended()
    if not isinstance(call.body.get("permissions"), dict | None):
        raise ApiError(400, "Problems parsing JSON")  # as recorded, for a text in its place
    asked = call.parsed(Wanted)
    permissions = asked.permissions or installation.permissions
    chosen = _chosen(call, installation, asked)
    _require_granted(permissions, installation.permissions)
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
        repositories=None if chosen is None else [it.id for it in chosen],
        unknown=app.unknown,
        unready=app.unready,
        known_from=_known_from(call),
        installation=installation.id,
        selected=installation.repositories,
    )
    all_of_them = installation.repositories is None and chosen is None
    answer: Json = {"token": value, "expires_at": expires, "permissions": permissions}
    answer["repository_selection"] = "all" if all_of_them else "selected"
    if chosen is not None:
        answer["repositories"] = [shapes.repository(call.urls, it, call.owner(it), "admin") for it in chosen]
    return Response.json(201, answer)


def _require_granted(asked: Mapping[str, str], granted: Mapping[str, str]) -> None:
    rank = {"read": 1, "write": 2}
    for name, level in asked.items():
        if rank.get(level, 3) > rank.get(granted.get(name, ""), 0):
            raise ApiError(422, "The permissions requested are not granted to this installation.")


def _known_from(call: Call) -> float:
    """Return when all replicas know a token that is made now, as Unix time; 0 = at once."""
    lag = call.store.lag
    return lag.clock() + lag.lags.app_tokens if lag.lags.app_tokens else 0


def _chosen(call: Call, installation: Installation, asked: Wanted) -> list[Repository] | None:
    """Return the repositories that were asked for, by name or id; None = all. Raises ApiError 422."""
    if asked.repositories is None and asked.repository_ids is None:
        return None
    store, owner, lag = call.store, installation.organization, call.store.lag.lags.app_tokens
    found = [store.shown(owner, name, lag) for name in asked.repositories or []]
    by_id = [store.by_id(number) for number in asked.repository_ids or []]
    found += [it and store.view(it, lag) for it in by_id]
    chosen = [it for it in found if it is not None and _is_for(installation, it)]
    if len(chosen) < len(found) or not chosen:
        raise ApiError(
            422,
            "There is at least one repository that does not exist or is not accessible to the parent installation.",
        )
    return chosen


def _is_for(installation: Installation, repository: Repository) -> bool:
    selected = installation.repositories
    its = repository.owner.lower() == installation.organization.lower()
    return its and "*" not in repository.hidden_from and (selected is None or repository.id in selected)


@route("GET", "/app/installations/{installation_id}", "apps/apps#get-an-installation-for-the-authenticated-app")
def get_installation(call: Call) -> Response:
    """Return where the App is installed, and what it may do there."""
    app = authenticate_app(call.store, call.request.headers)
    found = next((it for it in app.installations if str(it.id) == call.parameters["installation_id"]), None)
    owner = call.store.account(found.organization) if found else None
    if found is None or owner is None:
        raise not_found()
    path = f"{call.urls.api}/app/installations/{found.id}"
    answer = {
        "id": found.id,
        "account": shapes.account(call.urls, owner.login, owner.id, owner.type),
        "repository_selection": "all" if found.repositories is None else "selected",
        "access_tokens_url": f"{path}/access_tokens",
        "repositories_url": f"{call.urls.api}/installation/repositories",
        "html_url": f"{call.urls.base}/organizations/{owner.login}/settings/installations/{found.id}",
        "app_id": app.id,
        "app_slug": app.slug,
        "target_id": owner.id,
        "target_type": owner.type,
        "permissions": found.permissions,
        "events": [],
        "single_file_name": None,
        "single_file_paths": [],
        "has_multiple_single_files": False,
        "suspended_by": shapes.account(call.urls, owner.login, owner.id, owner.type) if found.suspended else None,
        "suspended_at": owner.created_at if found.suspended else None,
        "created_at": owner.created_at,
        "updated_at": owner.created_at,
    }
    return Response.json(200, answer)


@route("GET", "/installation/repositories", "apps/installations#list-repositories-accessible-to-the-app-installation")
def list_installation_repositories(call: Call) -> Response:
    """Return the repositories of the organization in which the App is installed."""
    token = call.user
    if token.kind != "installation":
        raise ApiError(403, "You must authenticate with an installation access token in order to list repositories.")
    own = [
        it
        for it in call.store.repositories()
        if role_in(token, it.owner, of_user=it.of_user) != "none" and may_see(token, it)
    ]
    items, headers = call.page(own)
    shown = [shapes.repository(call.urls, it, call.owner(it), role_of(token, it)) for it in items]
    return Response.json(200, {"total_count": len(own), "repositories": shown}, headers)
