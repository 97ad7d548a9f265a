"""What proves that a repository does not exist: GitHub also answers 404 for what a token cannot see (decision 0079).

| credential | proof |
|---|---|
| a GitHub App | its installation is the owner's, reaches all repositories, and is not suspended |
| a classic token with the scope repo | its user is an active owner of the organization, or is the owner |
| any other token | none: it may be narrowed to some repositories |

A name that redirects leads to a repository that was transferred out of sight: it exists.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from custom_resources.clients.github_answers import promised, whole
from custom_resources.clients.github_connection import Connection
from custom_resources.errors import NotPermitted


@dataclass(frozen=True)
class Installation:
    """An App's installation, as GitHub describes it (GET /app/installations/{installation_id})."""

    account: str
    permissions: Mapping[str, str]
    reaches_all: bool
    suspended: bool

    @staticmethod
    def of(data: Mapping[str, Any]) -> Installation:
        """Read it. Raises AnswerIncomplete."""
        with whole("reading the App's installation"):
            return Installation(
                account=promised(data["account"], "login"),
                permissions=dict(data["permissions"]),
                reaches_all=data.get("repository_selection") == "all",
                suspended=bool(data.get("suspended_at")),
            )


def is_absent(connection: Connection, full_name: str, repository_id: int) -> bool:
    """Tell whether it is proven that the owner has no such repository (id 0 = of that name). Two or three requests.

    Call it after a 404. Raises TokenRejected, RetryLater.
    """
    owner = full_name.partition("/")[0]
    leads_to = connection.redirect(full_name)
    if leads_to and repository_id in (0, leads_to):
        return False
    try:
        return _app_sees_all(connection, owner) if connection.is_app else _token_sees_all(connection, owner)
    except NotPermitted:  # what would prove it may not be asked
        return False


def _app_sees_all(connection: Connection, owner: str) -> bool:
    found = Installation.of(connection.installation())
    return found.reaches_all and not found.suspended and found.account.casefold() == owner.casefold()


def _token_sees_all(connection: Connection, owner: str) -> bool:
    headers, user = connection.find("looking up the token's user", "/user")
    scopes = {scope.strip() for scope in str(headers.get("x-oauth-scopes") or "").split(",")}
    if not user or "repo" not in scopes or not connection.classic_token:
        return False
    if str(user.get("login", "")).casefold() == owner.casefold():
        return True
    path = f"/user/memberships/orgs/{owner}"
    _, membership = connection.find(f"reading the token's membership in {owner}", path)
    return bool(membership) and (membership.get("role"), membership.get("state")) == ("admin", "active")
