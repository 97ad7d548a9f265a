"""GitHub's side: the token, and the organization that repositories are made in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from custom_resources.errors import TokenTooNarrow
from operations.doctor.check import Check, NamedCheck

if TYPE_CHECKING:
    from custom_resources.clients.github import GitHub
    from custom_resources.clients.github_sight import Installation
    from custom_resources.clients.secrets import GitHubCredentials
    from products.settings import Settings

SCOPES = ("repo", "workflow")
FINE_GRAINED = "Administration, Contents, Workflows, Secrets, Variables, Pull requests, Actions: read and write"
# The same, as GitHub's API names them. What writing variables is called there is not published.
OF_AN_APP = ("actions", "administration", "contents", "pull_requests", "secrets", "workflows")
EXPIRES_SOON = timedelta(days=14)
_EXPIRY_FORMATS = ("%Y-%m-%d %H:%M:%S %z", "%Y-%m-%d %H:%M:%S UTC", "%Y-%m-%d %H:%M:%S %Z")


class GitHubChecks:
    """The token, and the organization that repositories are made in."""

    def __init__(
        self, github: GitHub, credentials: Callable[[], GitHubCredentials], settings: Settings, now: datetime
    ) -> None:
        """Nothing is asked yet."""
        self._github = github
        self._credentials = credentials
        self._settings = settings
        self._organization = settings.git_config.private_github_organization
        self._now = now

    def all(self) -> list[NamedCheck]:
        """Return the checks, in the order in which they make sense."""
        return [
            ("GitHub token", self.token),
            ("GitHub organization", self.organization),
            ("GitHub environments", self.environments),
        ]

    def token(self) -> Iterator[Check]:
        """The token is accepted, lives for a while, and may do what launches do."""
        if not self._credentials().token:
            yield from self._app()
            return
        headers, _ = self._github.look_up("checking the token", "/user")
        yield Check("GitHub token", "ok", "GitHub accepts it")
        yield expiry(_header(headers, "github-authentication-token-expiration"), self._now, is_app=False)
        yield scopes(_header(headers, "x-oauth-scopes"), is_app=False)
        yield Check(
            "GitHub token reach",
            "risk",
            "it reaches every repository that its user reaches, in every request",
            "Use a GitHub App: its tokens are narrowed to one repository (docs/admin.md).",
        )

    def _app(self) -> Iterator[Check]:
        """The App's installation is read first: GitHub makes no token for a suspended one."""
        found = self._github.installation()
        yield sight(found, self._organization)
        if found.suspended:
            return
        headers, _ = self._github.look_up("checking the token", "/installation/repositories?per_page=1")
        yield Check("GitHub token", "ok", "GitHub accepts it (GitHub App)")
        yield expiry(_header(headers, "github-authentication-token-expiration"), self._now, is_app=True)
        yield app(found.account, found.permissions)

    def organization(self) -> Iterator[Check]:
        """The organization is there and the token's user may create repositories in it."""
        name = "GitHub organization"
        if not self._settings.organizations:
            yield Check(
                name,
                "risk",
                "settings.toml names no organization, so a launch can use any that the token can access",
                "Set [git_config] private_github_organization, then run npx aws-cdk@2 deploy FoundationStack.",
            )
        if not self._organization:
            return
        _, found = self._github.look_up("reading the organization", f"/orgs/{self._organization}")
        if not found:
            yield from self._user_account()
            return
        if not self._credentials().token:
            yield Check(name, "ok", f"{self._organization} exists, and the App is installed")
            return
        try:
            _, membership = self._github.look_up(
                "reading the membership", f"/user/memberships/orgs/{self._organization}"
            )
        except TokenTooNarrow:  # a classic token without read:org, or a fine-grained one without Members: read
            yield Check(
                name, "unknown", f"{self._organization} exists; the token does not have permission to read memberships"
            )
            return
        yield member(self._organization, membership, found)

    def _user_account(self) -> Iterator[Check]:
        """The name is not an organization: the user account of the token's owner works too, with fewer features."""
        _, account = self._github.look_up("reading the account", f"/users/{self._organization}")
        if not account or account.get("type") != "User":
            yield Check(
                "GitHub organization",
                "problem",
                f"the organization {self._organization!r} does not exist, or the token cannot access it",
                "Correct git_config.private_github_organization, or grant the token access to the organization "
                "(with single sign-on: authorize the token for it).",
            )
            return
        reviewers = self._settings.workflow_role.reviewers.values()
        yield user_account(
            self._organization,
            self._own_account(),
            internal=self._settings.product.visibility == "internal",
            teams=any(each.startswith("team:") for listed in reviewers for each in listed),
        )

    def _own_account(self) -> Mapping[str, Any] | None:
        """Return the account of the token's owner; None for a GitHub App's token, which has none."""
        return self._github.look_up("reading the token's user", "/user")[1] if self._credentials().token else None

    def environments(self) -> Iterator[Check]:
        """The organization's plan offers the rules without which any branch can use the environments."""
        wanted = self._settings.workflow_role
        if not self._organization or not wanted.environments or self._settings.product.visibility == "public":
            return
        _, found = self._github.look_up("reading the organization", f"/orgs/{self._organization}")
        owner = found or self._own_account() or {}
        plan = str((owner.get("plan") or {}).get("name", ""))
        yield environment_rules(plan, wanted.environments, bool(wanted.reviewers))


def environment_rules(plan: str, environments: Sequence[str], reviewed: bool) -> Check:
    """Judge the plan of an organization (GET /orgs/{org}) or a user (GET /user), which GitHub shows to few. Pure.

    Private repositories: branches with Pro, Team and Enterprise, reviewers with Enterprise (GitHub: deployments and
    environments).
    """
    name = "GitHub environments"
    if not plan:
        return Check(name, "unknown", "the token cannot read the organization's plan")
    if plan == "free":
        can = f"jobs on any branch can use {', '.join(environments)}"
        fix = "Use GitHub Team or Enterprise (a user: Pro), or empty [workflow_role] environments."
        return Check(name, "risk", f"GitHub Free has no rules for private repositories: {can}", fix)
    if reviewed and plan != "enterprise":
        detail = f"the plan {plan} has no required reviewers for private repositories"
        return Check(name, "risk", detail, "Use GitHub Enterprise, or empty [workflow_role.reviewers].")
    return Check(name, "ok", f"the plan {plan} limits {', '.join(environments)} to the default branch")


def user_account(account: str, own: Mapping[str, Any] | None, *, internal: bool, teams: bool) -> Check:
    """Judge a user account (`own`: the one of the token's owner, None for an App), which lacks some things. Pure."""
    name = "GitHub organization"
    if own is None:
        fix = "Put a personal access token of that user into the token secret, or set an organization."
        return Check(
            name, "problem", f"{account} is a user account, and GitHub Apps cannot create repositories in it", fix
        )
    if str(own.get("login", "")).casefold() != account.casefold():
        fix = "Use a token of that user, or set an organization."
        return Check(name, "problem", f"{account} is a user account, and the token belongs to another user", fix)
    if internal:
        fix = 'Set [product] visibility = "private".'
        return Check(
            name, "problem", f"{account} is a user account, and user accounts do not have internal repositories", fix
        )
    if teams:
        fix = "List users in [workflow_role.reviewers]."
        return Check(
            name, "risk", f"{account} is a user account, and user accounts do not have teams to review jobs", fix
        )
    return Check(name, "ok", f"{account} is the user account of the token's owner")


def app(organization: str, granted: Mapping[str, str]) -> Check:
    """Judge the permissions of a GitHub App's installation. Pure."""
    name = "GitHub App permissions"
    missing = [each for each in OF_AN_APP if granted.get(each) != "write"]
    if missing:
        return Check(
            name,
            "problem",
            f"the App's installation in {organization} does not have {', '.join(f'{each}: write' for each in missing)}",
            "Grant these permissions to the App, and approve them in the organization (Settings > GitHub Apps).",
        )
    return Check(
        name, "ok", f"the permissions in {organization} are complete; check Variables: read and write yourself"
    )


def sight(found: Installation, organization: str) -> Check:
    """Judge whether a GitHub App's installation sees the repositories of the organization ("" = not set). Pure."""
    name = "GitHub App reach"
    if found.suspended:
        fix = "Unsuspend the App in the organization (Settings > GitHub Apps)."
        return Check(name, "problem", f"the App's installation in {found.account} is suspended", fix)
    if organization and found.account.casefold() != organization.casefold():
        fix = f"Install the App in {organization}, and put that installation's ID into the token secret."
        return Check(name, "problem", f"the App is installed in {found.account}, not in {organization}", fix)
    if not found.reaches_all:
        can = "the App cannot tell a deleted repository from one without access"
        fix = "Give the App access to all repositories of the organization (Settings > GitHub Apps > Configure)."
        return Check(
            name, "risk", f"the App's installation in {found.account} covers only selected repositories: {can}", fix
        )
    return Check(name, "ok", f"all repositories of {found.account}")


def _header(headers: Mapping[str, Any], name: str) -> str | None:
    return next((str(value) for key, value in headers.items() if key.lower() == name), None)


def expiry(told: str | None, now: datetime, is_app: bool) -> Check:
    """Judge GitHub's header `github-authentication-token-expiration`; a token without it does not expire."""
    name = "GitHub token expiry"
    if is_app:
        return Check(name, "ok", "the App's tokens renew automatically")
    if told is None:
        return Check(name, "ok", "the token does not expire; a GitHub App or an expiring token is safer")
    at = _parsed(told)
    if at is None:
        return Check(name, "unknown", f"GitHub returned {told!r}")
    if at - now < EXPIRES_SOON:
        return Check(
            name,
            "problem",
            f"the token expires on {at:%Y-%m-%d}, in {max((at - now).days, 0)} days",
            "Create a new token and put it into the token secret; no deployment is needed.",
        )
    return Check(name, "ok", f"the token expires on {at:%Y-%m-%d}")


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
        return Check(name, "unknown", f"GitHub does not show the token's permissions; the token needs {FINE_GRAINED}")
    missing = [scope for scope in SCOPES if scope not in {part.strip() for part in told.split(",")}]
    if missing:
        return Check(
            name,
            "problem",
            f"the token does not have the scope {' and '.join(missing)}",
            f"Add {' and '.join(SCOPES)} to it on GitHub (Settings > Developer settings); the token's value stays.",
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
            f"members of {organization} are not allowed to create repositories",
            "Make the token's user an owner, or allow members to create repositories.",
        )
    if membership.get("role") != "admin":
        can = "the token cannot tell a deleted repository from one without access"
        return Check(
            name,
            "risk",
            f"the token's user is not an owner of {organization}: {can}",
            "Make the user an organization owner.",
        )
    return Check(name, "ok", f"the token's user can create repositories in {organization}")
