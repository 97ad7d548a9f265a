"""GitHub's side: the token, and the organization that repositories are made in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from custom_resources.errors import TokenTooNarrow
from operations.doctor.check import Check, NamedCheck

if TYPE_CHECKING:
    from custom_resources.clients.github import GitHub
    from custom_resources.clients.secrets import GitHubCredentials

SCOPES = ("repo", "workflow")
FINE_GRAINED = "Administration, Contents, Workflows, Secrets, Variables, Pull requests, Actions: read and write"
EXPIRES_SOON = timedelta(days=14)
_EXPIRY_FORMATS = ("%Y-%m-%d %H:%M:%S %z", "%Y-%m-%d %H:%M:%S UTC", "%Y-%m-%d %H:%M:%S %Z")


class GitHubChecks:
    """The token, and the organization that repositories are made in."""

    def __init__(
        self, github: GitHub, credentials: Callable[[], GitHubCredentials], organization: str, now: datetime
    ) -> None:
        """Nothing is asked yet."""
        self._github = github
        self._credentials = credentials
        self._organization = organization
        self._now = now

    def all(self) -> list[NamedCheck]:
        """Return the checks, in the order in which they make sense."""
        return [("GitHub token", self.token), ("GitHub organization", self.organization)]

    def token(self) -> Iterator[Check]:
        """The token is accepted, lives for a while, and may do what launches do."""
        is_app = not self._credentials().token
        path = "/installation/repositories?per_page=1" if is_app else "/user"
        headers, _ = self._github.look_up("checking the token", path)
        yield Check("GitHub token", "ok", "GitHub accepts it" + (" (GitHub App)" if is_app else ""))
        yield expiry(_header(headers, "github-authentication-token-expiration"), self._now, is_app)
        yield scopes(_header(headers, "x-oauth-scopes"), is_app)

    def organization(self) -> Iterator[Check]:
        """The organization is there and the token's user may create repositories in it."""
        name = "GitHub organization"
        if not self._organization:
            yield Check(name, "unknown", "settings.toml names none: each launch must name one")
            return
        _, found = self._github.look_up("reading the organization", f"/orgs/{self._organization}")
        if not found:
            yield Check(
                name,
                "problem",
                f"GitHub shows the token no organization {self._organization!r}",
                "Correct git_config.private_github_organization, or give the token access to the organization "
                "(with single sign-on: authorize the token for it).",
            )
            return
        if not self._credentials().token:
            yield Check(name, "ok", f"{self._organization} is there, and the App is installed")
            return
        try:
            _, membership = self._github.look_up(
                "reading the membership", f"/user/memberships/orgs/{self._organization}"
            )
        except TokenTooNarrow:  # a classic token without read:org, or a fine-grained one without Members: read
            yield Check(name, "unknown", f"{self._organization} is there; the token may not read memberships")
            return
        yield member(self._organization, membership, found)


def _header(headers: Mapping[str, Any], name: str) -> str | None:
    return next((str(value) for key, value in headers.items() if key.lower() == name), None)


def expiry(told: str | None, now: datetime, is_app: bool) -> Check:
    """Judge GitHub's header `github-authentication-token-expiration`; a token without it does not expire."""
    name = "GitHub token expiry"
    if is_app:
        return Check(name, "ok", "an App's tokens are renewed by themselves")
    if told is None:
        return Check(name, "ok", "it does not expire; a GitHub App, or a token that does, is safer")
    at = _parsed(told)
    if at is None:
        return Check(name, "unknown", f"GitHub says {told!r}")
    if at - now < EXPIRES_SOON:
        return Check(
            name,
            "problem",
            f"it expires on {at:%Y-%m-%d}, in {max((at - now).days, 0)} days",
            "Make a new token and put it into the token secret; nothing needs to be deployed again.",
        )
    return Check(name, "ok", f"it expires on {at:%Y-%m-%d}")


def _parsed(told: str) -> datetime | None:
    for form in _EXPIRY_FORMATS:
        try:
            at = datetime.strptime(told, form)
        except ValueError:
            continue
        return at if at.tzinfo else at.replace(tzinfo=UTC)
    return None


def scopes(told: str | None, is_app: bool) -> Check:
    """Judge a classic token's scopes (`x-oauth-scopes`); other tokens do not tell what they may do."""
    name = "GitHub workflow permission"
    if told is None or (not told.strip() and is_app):
        return Check(name, "unknown", f"GitHub does not tell what the token may do; it needs {FINE_GRAINED}")
    missing = [scope for scope in SCOPES if scope not in {part.strip() for part in told.split(",")}]
    if missing:
        return Check(
            name,
            "problem",
            f"the token lacks the scope {' and '.join(missing)}",
            f"Give it {' and '.join(SCOPES)} on GitHub (Settings > Developer settings); its value stays.",
        )
    return Check(name, "ok", f"the token has the scopes {', '.join(SCOPES)}")


def member(organization: str, membership: Mapping[str, Any] | None, about: Mapping[str, Any]) -> Check:
    """Judge the user's membership (GET /user/memberships/orgs/{org}) and what members may create."""
    name = "GitHub organization"
    if membership is None or membership.get("state") != "active":
        if membership is None:
            detail, fix = "is not a member of", "Invite the user, or use a token of a member."
        else:
            detail, fix = "has not accepted the invitation to", "Accept the invitation."
        return Check(name, "problem", f"the token's user {detail} {organization}", fix)
    if membership.get("role") != "admin" and about.get("members_can_create_repositories") is False:
        return Check(
            name,
            "problem",
            f"members of {organization} may not create repositories",
            "Make the token's user an owner, or allow members to create repositories.",
        )
    return Check(name, "ok", f"the token's user may create repositories in {organization}")
