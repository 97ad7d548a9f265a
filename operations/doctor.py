"""Is the installation whole? Every check says ok, or what is wrong and how to put it right. Reads only."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from custom_resources.clients.github import TokenTooNarrow
from custom_resources.errors import FinalError, RetryLater
from operations.service_catalog import ProductNotFound, ServiceCatalog, refused_as

if TYPE_CHECKING:
    import boto3

    from custom_resources.clients.github import GitHub
    from custom_resources.clients.secrets import GitHubCredentials
    from products.settings import Settings
    from products.versions import Version

SCOPES = ("repo", "workflow")
FINE_GRAINED = "Administration, Contents, Workflows, Secrets, Variables, Pull requests, Actions: read and write"
FUNCTIONS = (
    "studio-project",
    "github-repository",
    "repository-template",
    "actions-configuration",
    "template-archive",
    "version-guidance",
    "studio-blueprint",
    "studio-project-profile",
)
AUDIENCE = "sts.amazonaws.com"
SERVICE_CATALOG = "servicecatalog.amazonaws.com"
EXPIRES_SOON = timedelta(days=14)
_EXPIRY_FORMATS = ("%Y-%m-%d %H:%M:%S %z", "%Y-%m-%d %H:%M:%S UTC", "%Y-%m-%d %H:%M:%S %Z")

State = Literal["ok", "problem", "unknown"]
NamedCheck = tuple[str, Callable[[], Iterator["Check"]]]


@dataclass(frozen=True)
class Check:
    """A check's outcome. "unknown" is what nobody can read from outside; it is no problem by itself."""

    name: str
    state: State
    detail: str
    fix: str = ""


def diagnose(github: Sequence[NamedCheck], aws: Sequence[NamedCheck], token_given: bool) -> Iterator[Check]:
    """Run the checks one by one; one that cannot be made is a problem with the reason.

    The first of `aws` finds out whether AWS can be asked at all; if not, only `github` is left, and that only with
    a token that AWS need not give.
    """
    first = list(_made(*aws[0]))
    yield from first
    reachable = all(check.state != "problem" for check in first)
    for name, run in [*(github if reachable or token_given else []), *(aws[1:] if reachable else [])]:
        yield from _made(name, run)


def _made(name: str, run: Callable[[], Iterator[Check]]) -> Iterator[Check]:
    try:
        with refused_as(f"check: {name}"):
            yield from run()
    except FinalError as error:
        yield Check(name, "problem", str(error), "Put that right, then run doctor again.")
    except RetryLater as error:
        yield Check(name, "problem", error.why, f"Run doctor again in {error.seconds:.0f} s.")


# -- GitHub ----------------------------------------------------------------------------------------------------------


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
        headers, _ = self._github.look_up("check the token", path)
        yield Check("GitHub token", "ok", "GitHub accepts it" + (" (GitHub App)" if is_app else ""))
        yield expiry(_header(headers, "github-authentication-token-expiration"), self._now, is_app)
        yield scopes(_header(headers, "x-oauth-scopes"), is_app)

    def organization(self) -> Iterator[Check]:
        """The organization is there and the token's user may create repositories in it."""
        name = "GitHub organization"
        if not self._organization:
            yield Check(name, "unknown", "settings.toml names none: each launch must name one")
            return
        _, found = self._github.look_up("look up the organization", f"/orgs/{self._organization}")
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
                "look up the membership", f"/user/memberships/orgs/{self._organization}"
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


# -- AWS -------------------------------------------------------------------------------------------------------------


class AwsChecks:
    """What was deployed, and what Studio and GitHub Actions need beside it."""

    def __init__(self, session: boto3.Session, settings: Settings, published: list[Version]) -> None:
        """Nothing is asked yet."""
        self._session = session
        self._settings = settings
        self._published = published

    def all(self) -> list[NamedCheck]:
        """Return the checks, in the order in which they make sense."""
        checks = [
            ("AWS account", self.account),
            ("Functions", self.functions),
            ("OIDC provider", self.oidc_provider),
            ("Launch role", self.launch_role)
            if self._settings.portfolio.launches_only
            else ("Portfolio", self.portfolio),
            ("Versions", self.versions),
        ]
        if self._settings.studio.domain_id:
            blueprint = [("Blueprint", self.blueprint)] if self._settings.studio.registers_blueprint else []
            checks += [("Domain", self.domain), *blueprint, ("Connection", self.connection)]
        return checks

    @cached_property
    def _catalog(self) -> Any:
        return self._session.client("servicecatalog")

    def account(self) -> Iterator[Check]:
        """There are credentials."""
        with refused_as("tell the account"):
            account = self._session.client("sts").get_caller_identity()["Account"]
        if not self._session.region_name:
            yield Check(
                "AWS account", "problem", "no region is set", "Set AWS_DEFAULT_REGION, or a region in the profile."
            )
            return
        yield Check("AWS account", "ok", f"{account}, {self._session.region_name}")

    def functions(self) -> Iterator[Check]:
        """The functions are there, ready, and of one release."""
        client = self._session.client("lambda")
        name, codes = "Functions", set()
        for function in FUNCTIONS:
            full_name = f"{self._settings.prefix}-{function}"
            with refused_as(f"look up the function {full_name}"):
                try:
                    found = client.get_function_configuration(FunctionName=full_name)
                except client.exceptions.ResourceNotFoundException:
                    yield Check(name, "problem", f"there is no function {full_name}", "Run cdk deploy FoundationStack.")
                    return
            state, update = found.get("State", "Active"), found.get("LastUpdateStatus", "Successful")
            if state != "Active" or update != "Successful":
                reason = found.get("StateReason") or found.get("LastUpdateStatusReason") or f"{state}, {update}"
                yield Check(name, "problem", f"{full_name} is not ready: {reason}", "Run cdk deploy FoundationStack.")
                return
            layers = sorted(layer["Arn"] for layer in found.get("Layers", []) if "python" in layer["Arn"].lower())
            codes.add((found.get("CodeSha256"), *layers))
        if len(codes) > 1:
            yield Check(
                name, "problem", "the functions are of different releases", "Run cdk deploy FoundationStack to the end."
            )
        else:
            yield Check(name, "ok", f"all {len(FUNCTIONS)} are ready and of one release")

    def oidc_provider(self) -> Iterator[Check]:
        """IAM knows GitHub's identity tokens, for the audience that the workflows ask for."""
        name, issuer = "OIDC provider", self._settings.github.oidc_issuer
        client = self._session.client("iam")
        with refused_as("list the identity providers"):
            providers = client.list_open_id_connect_providers()["OpenIDConnectProviderList"]
        arn = next((item["Arn"] for item in providers if item["Arn"].endswith(f":oidc-provider/{issuer}")), "")
        if not arn:
            yield Check(
                name,
                "problem",
                f"IAM has no identity provider for {issuer}",
                "Leave github.oidc_provider_arn empty and run cdk deploy, which creates it.",
            )
            return
        with refused_as("read the identity provider"):
            audiences = client.get_open_id_connect_provider(OpenIDConnectProviderArn=arn).get("ClientIDList", [])
        if AUDIENCE not in audiences:
            yield Check(
                name, "problem", f"its audiences lack {AUDIENCE}", f"Add {AUDIENCE} to the provider's audiences in IAM."
            )
            return
        yield Check(name, "ok", issuer)

    def launch_role(self) -> Iterator[Check]:
        """A shared portfolio, which is another account's, launches with this account's role of the agreed name."""
        name, role = "Launch role", self._settings.launch_role_name
        client = self._session.client("iam")
        with refused_as(f"read the role {role}"):
            try:
                found: Any = client.get_role(RoleName=role)["Role"]
            except client.exceptions.NoSuchEntityException:
                yield Check(name, "problem", f"there is no role {role}", "Run cdk deploy PortfolioStack.")
                return
        if SERVICE_CATALOG not in str(found.get("AssumeRolePolicyDocument", {})):
            yield Check(
                name,
                "problem",
                f"{role} does not trust {SERVICE_CATALOG}",
                "Run cdk deploy PortfolioStack, which made it.",
            )
            return
        yield Check(name, "ok", f"{role}: launches from the shared portfolio use it")

    def portfolio(self) -> Iterator[Check]:
        """The portfolio is there, and those who launch may."""
        name, wanted = "Portfolio", self._settings.portfolio.name
        found = [item for item in self._list("list_portfolios", "PortfolioDetails") if item["DisplayName"] == wanted]
        if not found:
            yield Check(name, "problem", f"there is no portfolio {wanted!r}", "Run cdk deploy PortfolioStack.")
            return
        principals = {
            item["PrincipalARN"]
            for item in self._list("list_principals_for_portfolio", "Principals", PortfolioId=found[0]["Id"])
        }
        if not principals:
            yield Check(
                name,
                "problem",
                "nobody may launch from it",
                "Name principals in [portfolio] of settings.toml and run cdk deploy.",
            )
            return
        role = self._settings.provisioning_role_name
        if self._settings.studio.registers_blueprint and not any(arn.endswith(f"/{role}") for arn in principals):
            yield Check(
                name,
                "problem",
                f"the blueprint's role {role} may not launch from it ('No launch paths found' in Studio)",
                "Run cdk deploy PortfolioStack, which adds it.",
            )
            return
        yield Check(name, "ok", f"{wanted}: {len(principals)} principals may launch")

    def versions(self) -> Iterator[Check]:
        """What is published here is live, with the guidance that it should have."""
        name = "Versions"
        catalog = ServiceCatalog(self._catalog, self._session.client("cloudformation"))
        try:
            live = {version.name: version for version in catalog.versions(catalog.product(self._settings.product.name))}
        except ProductNotFound as error:
            yield Check(name, "problem", str(error), self._deploy_versions)
            return
        problems = [
            f"{version.version} is not live"
            if version.version not in live
            else f"{version.version} is {live[version.version].guidance}, not {version.guidance}"
            for version in self._published
            if version.version not in live or live[version.version].guidance != version.guidance
        ]
        if problems:
            yield Check(name, "problem", "; ".join(problems), self._deploy_versions)
        elif not any(version.guidance == "DEFAULT" for version in live.values()):
            yield Check(name, "problem", "no version can be launched", "Publish one: python -m operations publish.")
        else:
            yield Check(name, "ok", ", ".join(live))

    @property
    def _deploy_versions(self) -> str:
        if self._settings.portfolio.launches_only:
            return "Import the shared portfolio here, and run cdk deploy PortfolioStack in the account that shares it."
        return "Run cdk deploy PortfolioStack."

    def domain(self) -> Iterator[Check]:
        """The Studio domain is there and available."""
        domain = self._settings.studio.domain_id
        with refused_as(f"read the domain {domain}"):
            found = self._session.client("datazone").get_domain(identifier=domain)
        if found["status"] != "AVAILABLE":
            yield Check("Domain", "problem", f"{domain} is {found['status']}", "Wait, or repair it in the console.")
        else:
            yield Check("Domain", "ok", f"{found.get('name', '')} ({domain})")

    def blueprint(self) -> Iterator[Check]:
        """Our blueprint is registered and enabled in this region."""
        name, studio = "Blueprint", self._settings.studio
        client, region = self._session.client("datazone"), self._session.region_name
        with refused_as("list the blueprints"):
            found = [
                item
                for page in client.get_paginator("list_environment_blueprints").paginate(
                    domainIdentifier=studio.domain_id, managed=False, name=studio.blueprint_name
                )
                for item in page["items"]
                if item["name"] == studio.blueprint_name
            ]
        fix = "Run cdk deploy, which registers and enables it."
        if not found:
            yield Check(name, "problem", f"the domain has no blueprint {studio.blueprint_name!r}", fix)
            return
        with refused_as("read the blueprint's configuration"):
            try:
                configuration = client.get_environment_blueprint_configuration(
                    domainIdentifier=studio.domain_id, environmentBlueprintIdentifier=found[0]["id"]
                )
            except client.exceptions.ResourceNotFoundException:
                yield Check(name, "problem", f"{studio.blueprint_name!r} is not enabled", fix)
                return
        if region not in configuration.get("enabledRegions", []):
            yield Check(name, "problem", f"{studio.blueprint_name!r} is not enabled in {region}", fix)
            return
        yield Check(name, "ok", f"{studio.blueprint_name!r} is enabled in {region}")

    def connection(self) -> Iterator[Check]:
        """Studio's tooling reaches GitHub: a Git connection whose handshake was finished."""
        name, kinds = "Connection", ("GitHub", "GitHubEnterpriseServer")
        client = self._session.client("codeconnections")
        found = []
        for kind in kinds:
            with refused_as("list the Git connections"):
                found += client.list_connections(ProviderTypeFilter=kind, MaxResults=100)["Connections"]
        available = [item["ConnectionName"] for item in found if item["ConnectionStatus"] == "AVAILABLE"]
        if available:
            yield Check(name, "ok", f"{', '.join(sorted(available))} to GitHub")
        elif found:
            pending = ", ".join(sorted(item["ConnectionName"] for item in found))
            yield Check(
                name,
                "problem",
                f"{pending} is not finished",
                "Finish it in the console (Developer Tools > Connections).",
            )
        else:
            yield Check(
                name,
                "problem",
                "there is no connection to GitHub, which Studio's tooling needs for a project's Git",
                "Make one in the console (Developer Tools > Connections) and name it in the profile's tooling.",
            )

    def _list(self, operation: str, key: str, **arguments: str) -> list[dict[str, Any]]:
        with refused_as(f"answer {operation}"):
            pages = self._catalog.get_paginator(operation).paginate(**arguments)
            return [item for page in pages for item in page[key]]
