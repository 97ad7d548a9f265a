"""AWS's side: what was deployed, and what Studio and GitHub Actions need beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from custom_resources.catalogue import CATALOGUE
from custom_resources.clients.aws import (
    CLOUDFORMATION,
    CODECONNECTIONS,
    DATAZONE,
    IAM,
    LAMBDA,
    SERVICE_CATALOG,
    STS,
    Service,
    translated,
)
from custom_resources.clients.service_catalog import ServiceCatalog
from custom_resources.clients.stacks import CloudFormationStacks
from custom_resources.errors import AwsDenied, AwsNotFound, ProductNotFound
from operations.deployed import FOUNDATION_STACK, PORTFOLIO_STACK, PROVIDER, offered_product
from operations.doctor.check import Check, NamedCheck, deploy
from operations.doctor.deployment import studio_stack

if TYPE_CHECKING:
    import boto3

    from products.settings import Settings
    from products.versions import Version

MODEL_APPROVAL, PROJECT_READER = "model_approval", "project_reader"  # deployed only where the settings want them
AUDIENCE = "sts.amazonaws.com"
LAUNCHING = "servicecatalog.amazonaws.com"


def function_names(settings: Settings) -> list[str]:
    """Return the names of the functions that the settings deploy."""
    wanted = {
        MODEL_APPROVAL: settings.studio.model_approval.enabled,
        PROJECT_READER: bool(settings.studio.project_setup.profiles),
    }
    entries = [entry for entry in CATALOGUE if settings.layout in entry.layouts and wanted.get(entry.name, True)]
    return [entry.function_name(settings.prefix) for entry in entries]


def not_ready(function: Mapping[str, Any]) -> str:
    """Return why a function cannot be invoked, "" when it can (GetFunctionConfiguration)."""
    state, update = function.get("State", "Active"), function.get("LastUpdateStatus", "Successful")
    if (state, update) == ("Active", "Successful"):
        return ""
    return str(function.get("StateReason") or function.get("LastUpdateStatusReason") or f"{state}, {update}")


def _of_other_releases(releases: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Return the functions whose code or layers are not those of most."""
    if not releases:
        return []
    ((usual, _),) = Counter(releases.values()).most_common(1)
    return sorted(name for name, release in releases.items() if release != usual)


class AwsChecks:
    """What was deployed, and what Studio and GitHub Actions need beside it."""

    def __init__(
        self,
        session: boto3.Session,
        settings: Settings,
        published: list[Version],
        deployed: Callable[[str], bool] = lambda _: True,
    ) -> None:
        """Nothing is asked yet. `deployed` tells whether a stack is."""
        self._deployed = deployed
        self._session = session
        self._settings = settings
        self._published = published
        self._clients: dict[str, Any] = {}

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
            # With several accounts, those who write in the domain are in the domain's account.
            owners = [("Domain unit", self.owners)] if self._settings.place is None else []
            blueprint = [*owners, ("Blueprint", self.blueprint)] if self._settings.studio.registers_blueprint else []
            checks += [("Domain", self.domain), *blueprint, ("Connection", self.connection)]
        return checks

    def _client(self, service: Service) -> Any:
        if service.prefix not in self._clients:
            with translated(service, "opening a client"):
                region = self._settings.studio.domain_region if service is DATAZONE else ""
                make: Any = self._session.client
                self._clients[service.prefix] = make(service.prefix, **({"region_name": region} if region else {}))
        return self._clients[service.prefix]

    def account(self) -> Iterator[Check]:
        """There are credentials."""
        with translated(STS, "reading the account"):
            account = self._client(STS).get_caller_identity()["Account"]
        if not self._session.region_name:
            yield Check(
                "AWS account", "problem", "no Region is set", "Set AWS_DEFAULT_REGION, or a Region in the profile."
            )
            return
        yield Check("AWS account", "ok", f"{account}, {self._session.region_name}")

    def functions(self) -> Iterator[Check]:
        """The functions are there, ready, and of one release: all that the settings deploy, in every stack."""
        name, names = "Functions", function_names(self._settings)
        missing, waiting, releases = [], [], dict[str, tuple[str, ...]]()
        for function in names:
            try:
                found = self._function(function)
            except AwsNotFound:
                missing.append(function)
                continue
            if reason := not_ready(found):
                waiting.append(f"{function} is not ready: {reason}")
            layers = sorted(layer["Arn"] for layer in found.get("Layers", []) if "python" in layer["Arn"].lower())
            releases[function] = (str(found.get("CodeSha256")), *layers)
        odd = _of_other_releases(releases)
        if missing:
            yield Check(name, "problem", f"there is no function {', '.join(missing)}", self._deploy_of(missing))
        for said in waiting:
            yield Check(name, "problem", said, self._deploy_of(names))
        if odd:
            detail = f"the functions are of different releases: {', '.join(odd)} has another release than the others"
            yield Check(name, "problem", detail, self._deploy_of(names))
        if not (missing or waiting or odd):
            yield Check(name, "ok", f"all {len(names)} functions are ready and have the same release")

    def _deploy_of(self, functions: Collection[str]) -> str:
        """Return the command that deploys the stacks of functions."""
        of_studio = {entry.function_name(self._settings.prefix) for entry in CATALOGUE if not entry.class_name}
        stacks = [FOUNDATION_STACK] if set(functions) - of_studio else []
        return deploy(*stacks, *([studio_stack(self._settings)] if of_studio & set(functions) else []))

    def _function(self, name: str) -> Mapping[str, Any]:
        client = self._client(LAMBDA)
        with translated(LAMBDA, f"reading the function {name}"):
            found: Mapping[str, Any] = client.get_function_configuration(FunctionName=name)
            return found

    def oidc_provider(self) -> Iterator[Check]:
        """IAM knows GitHub's identity tokens, for the audience that the workflows ask for."""
        name, settings = "OIDC provider", self._settings
        issuer = settings.github.oidc_issuer
        client = self._client(IAM)
        with translated(IAM, "listing the identity providers"):
            providers = client.list_open_id_connect_providers()["OpenIDConnectProviderList"]
        arn = next((item["Arn"] for item in providers if item["Arn"].endswith(f":oidc-provider/{issuer}")), "")
        if not arn and not self._deployed(PORTFOLIO_STACK):
            return  # the deployment creates it
        if not arn:
            yield Check(
                name,
                "problem",
                f"IAM has no identity provider for {issuer}",
                f"{deploy(PORTFOLIO_STACK)}  # first: leave github.oidc_provider_arn empty, so that it is created",
            )
            return
        with translated(IAM, "reading the identity provider"):
            audiences = client.get_open_id_connect_provider(OpenIDConnectProviderArn=arn).get("ClientIDList", [])
        if AUDIENCE not in audiences:
            yield Check(
                name,
                "problem",
                f"the audience {AUDIENCE} is missing",
                f"aws iam add-client-id-to-open-id-connect-provider --open-id-connect-provider-arn {arn} "
                f"--client-id {AUDIENCE}",
            )
            return
        if self._is_in_the_way():
            yield Check(
                name,
                "problem",
                f"{arn} exists, and PortfolioStack did not create it: deploying PortfolioStack fails with "
                "EntityAlreadyExists",
                f"{deploy(PORTFOLIO_STACK)}  # first: "
                + (
                    f"set oidc_provider_exists = true in [accounts.{settings.place.name}] of settings.toml"
                    if settings.place
                    else f'set oidc_provider_arn = "{arn}" in [github] of settings.toml'
                ),
            )
            return
        yield Check(name, "ok", issuer)

    def _is_in_the_way(self) -> bool:
        """Tell whether the settings create a provider that IAM has already, such as one that a former stack left."""
        settings = self._settings
        if settings.provider_exists or settings.git_config.oidc_role_github_workflow:
            return False
        return not CloudFormationStacks(self._client(CLOUDFORMATION)).has_resource(PORTFOLIO_STACK, PROVIDER)

    def launch_role(self) -> Iterator[Check]:
        """A shared portfolio, which is another account's, launches with this account's role of the agreed name."""
        name, role = "Launch role", self._settings.launch_role_name
        client = self._client(IAM)
        try:
            with translated(IAM, f"reading the role {role}"):
                found = client.get_role(RoleName=role)["Role"]
        except AwsNotFound:
            yield Check(name, "problem", f"there is no role {role}", deploy(PORTFOLIO_STACK))
            return
        if LAUNCHING not in str(found.get("AssumeRolePolicyDocument", {})):
            yield Check(
                name,
                "problem",
                f"{role} does not trust {LAUNCHING}",
                deploy(PORTFOLIO_STACK),
            )
            return
        yield Check(name, "ok", f"{role}: launches from the shared portfolio use it")

    def portfolio(self) -> Iterator[Check]:
        """The portfolio is there, and those who launch may."""
        name, wanted = "Portfolio", self._settings.portfolio.name
        found = [item for item in self._list("list_portfolios", "PortfolioDetails") if item["DisplayName"] == wanted]
        if not found:
            yield Check(name, "problem", f"there is no portfolio {wanted!r}", deploy(PORTFOLIO_STACK))
            return
        principals = {
            item["PrincipalARN"]
            for item in self._list("list_principals_for_portfolio", "Principals", PortfolioId=found[0]["Id"])
        }
        if not principals:
            yield Check(
                name,
                "problem",
                "the portfolio has no principals",
                f"{deploy(PORTFOLIO_STACK)}  # first: list principals in [portfolio] of settings.toml",
            )
            return
        role = self._settings.provisioning_role_name
        if self._settings.studio.registers_blueprint and not any(arn.endswith(f"/{role}") for arn in principals):
            yield Check(
                name,
                "problem",
                f"the blueprint's role {role} is not a principal of the portfolio ('No launch paths found' in Studio)",
                deploy("StudioStack"),
            )
            return
        yield Check(name, "ok", f"{wanted}: {len(principals)} principals may launch")

    def versions(self) -> Iterator[Check]:
        """What is published here is live, with the guidance that it should have."""
        name = "Versions"
        stacks = CloudFormationStacks(self._client(CLOUDFORMATION))
        catalog = ServiceCatalog(self._client(SERVICE_CATALOG), stacks)
        try:
            product = offered_product(catalog, stacks, self._settings.product.name)
            live = {version.name: version for version in catalog.versions(product)}
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
            yield Check(name, "problem", "no version can be launched", "python -m operations publish")
        else:
            yield Check(name, "ok", ", ".join(live))

    @property
    def _deploy_versions(self) -> str:
        if self._settings.portfolio.launches_only:
            there = "# first: import the shared portfolio here, and deploy it in the account that shares it"
            return f"{deploy(PORTFOLIO_STACK)}  {there}"
        return deploy(PORTFOLIO_STACK)

    def domain(self) -> Iterator[Check]:
        """The Studio domain is there and available."""
        domain = self._settings.studio.domain_id
        with translated(DATAZONE, f"reading the domain {domain}"):
            found = self._client(DATAZONE).get_domain(identifier=domain)
        if found["status"] != "AVAILABLE":
            yield Check(
                "Domain", "problem", f"{domain} is {found['status']}", "Wait, or repair the domain in the console."
            )
        else:
            yield Check("Domain", "ok", f"{found.get('name', '')} ({domain})")

    def blueprint_registered(self) -> Iterator[Check]:
        """Our blueprint is registered; each account of projects enables it for itself."""
        name, studio = "Blueprint", self._settings.studio
        if self._blueprints():
            yield Check(name, "ok", f"{studio.blueprint_name!r} is registered")
        else:
            yield Check(
                name,
                "problem",
                f"the domain has no blueprint {studio.blueprint_name!r}",
                deploy("StudioDomainStack"),
            )

    def _blueprints(self) -> list[Any]:
        """Return the domain's blueprints of our name, at most one."""
        studio, client = self._settings.studio, self._client(DATAZONE)
        with translated(DATAZONE, "listing the blueprints"):
            return [
                item
                for page in client.get_paginator("list_environment_blueprints").paginate(
                    domainIdentifier=studio.domain_id, managed=False, name=studio.blueprint_name
                )
                for item in page["items"]
                if item["name"] == studio.blueprint_name
            ]

    def blueprint(self) -> Iterator[Check]:
        """Our blueprint is registered and enabled in this region."""
        name, studio = "Blueprint", self._settings.studio
        client, region = self._client(DATAZONE), self._session.region_name
        found = self._blueprints()
        fix = deploy(studio_stack(self._settings))
        if not found:
            yield Check(name, "problem", f"the domain has no blueprint {studio.blueprint_name!r}", fix)
            return
        try:
            with translated(DATAZONE, "reading the blueprint's configuration"):
                configuration = client.get_environment_blueprint_configuration(
                    domainIdentifier=studio.domain_id, environmentBlueprintIdentifier=found[0]["id"]
                )
        except AwsNotFound:
            yield Check(name, "problem", f"{studio.blueprint_name!r} is not enabled", fix)
            return
        if region not in configuration.get("enabledRegions", []):
            yield Check(name, "problem", f"{studio.blueprint_name!r} is not enabled in {region}", fix)
            return
        yield Check(name, "ok", f"{studio.blueprint_name!r} is enabled in {region}")

    def owners(self) -> Iterator[Check]:
        """The roles that write in the domain own its domain unit: IAM's permission is not enough for DataZone."""
        name, studio = "Domain unit", self._settings.studio
        try:
            unit, owners = self._owners(studio.domain_id, studio.domain_unit_id)
            roles = [str(self._function(function)["Role"]) for function in self._writers()]
            missing = [role for role in roles if not owners & self._profiles(studio.domain_id, role)]
        except AwsDenied as denied:
            yield Check(name, "unknown", f"the owners of the domain unit cannot be read: {denied}")
            return
        if missing:
            command = (
                f"aws datazone add-entity-owner --domain-identifier {studio.domain_id} --entity-type DOMAIN_UNIT "
                f"--entity-identifier {unit} --owner 'user={{userIdentifier=ROLE}}'"
            )
            yield Check(
                name,
                "problem",
                f"{' and '.join(missing)} {'is not an owner' if len(missing) == 1 else 'are not owners'} of {unit}",
                f"{command}  # as an owner of the domain unit, for ROLE use each of these ARNs",
            )
        else:
            yield Check(name, "ok", f"both functions' roles own {unit}")

    def _writers(self) -> list[str]:
        """Return the names of the functions that register the blueprint and write profiles."""
        written = ("studio_blueprint", "studio_project_profile")
        return [entry.function_name(self._settings.prefix) for entry in CATALOGUE if entry.name in written]

    def _owners(self, domain: str, unit: str) -> tuple[str, set[str]]:
        """Return the domain unit, the root unless the settings name one, and the ids of its owners."""
        client = self._client(DATAZONE)
        with translated(DATAZONE, "listing the owners of the domain unit"):
            unit = unit or client.get_domain(identifier=domain)["rootDomainUnitId"]
            pages = client.get_paginator("list_entity_owners").paginate(
                domainIdentifier=domain, entityType="DOMAIN_UNIT", entityIdentifier=unit
            )
            owners = [owner for page in pages for owner in page["owners"]]
        return unit, {value for owner in owners for each in owner.values() for value in each.values()}

    def _profiles(self, domain: str, role: str) -> set[str]:
        """Return by which ids a domain may know a role: its user profile, or the group profile that came with it."""
        try:
            with translated(DATAZONE, f"reading the user profile of {role}"):
                found = self._client(DATAZONE).get_user_profile(
                    domainIdentifier=domain, userIdentifier=role, type="IAM"
                )
        except AwsNotFound:
            return {role}
        known = found.get("details", {}).get("iam", {})
        return {role, found.get("id", role), known.get("groupProfileId", role)}

    def connection(self) -> Iterator[Check]:
        """Studio's tooling reaches GitHub: a Git connection whose handshake was finished."""
        name, kinds = "Connection", ("GitHub", "GitHubEnterpriseServer")
        client = self._client(CODECONNECTIONS)
        found = []
        for kind in kinds:
            with translated(CODECONNECTIONS, "listing the Git connections"):
                found += client.list_connections(ProviderTypeFilter=kind, MaxResults=100)["Connections"]
        available = [item["ConnectionName"] for item in found if item["ConnectionStatus"] == "AVAILABLE"]
        if available:
            yield Check(name, "ok", f"{', '.join(sorted(available))} to GitHub")
        elif found:
            pending = ", ".join(sorted(item["ConnectionName"] for item in found))
            yield Check(
                name,
                "problem",
                f"the connection {pending} is pending",
                "Complete the connection in the console (Developer Tools > Connections).",
            )
        else:
            yield Check(
                name,
                "problem",
                "there is no connection to GitHub, which Studio's tooling needs for a project's Git",
                "Create one in the console (Developer Tools > Connections), and set it in the profile's tooling.",
            )

    def _list(self, operation: str, key: str, **arguments: str) -> list[dict[str, Any]]:
        with translated(SERVICE_CATALOG, operation.replace("list_", "listing ").replace("_", " ")):
            pages = self._client(SERVICE_CATALOG).get_paginator(operation).paginate(**arguments)
            return [item for page in pages for item in page[key]]
