"""AWS's side: the account, the functions, and the identity provider; Service Catalog's and Studio's are beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from custom_resources.catalogue import CATALOGUE
from custom_resources.clients.aws import CLOUDFORMATION, IAM, STS, translated
from custom_resources.clients.stacks import CloudFormationStacks
from custom_resources.errors import AwsNotFound
from operations.deployed import FOUNDATION_STACK, PORTFOLIO_STACK, PROVIDER
from operations.doctor.access import Access
from operations.doctor.catalog_checks import CatalogChecks
from operations.doctor.check import Check, NamedCheck, deploy
from operations.doctor.deployment import studio_stack
from operations.doctor.studio_checks import StudioChecks

if TYPE_CHECKING:
    import boto3

    from products.settings import Settings
    from products.versions import Version

MODEL_APPROVAL, PROJECT_READER = "model_approval", "project_reader"  # deployed only where the settings want them
AUDIENCE = "sts.amazonaws.com"


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
        """Nothing is asked yet. `deployed` tells whether a stack is. `studio` has the checks of the domain."""
        self._deployed = deployed
        self._aws = Access(session, settings)
        self._settings = settings
        self._catalog = CatalogChecks(self._aws, settings, published)
        self.studio = StudioChecks(self._aws, settings)

    def all(self) -> list[NamedCheck]:
        """Return the checks, in the order in which they make sense."""
        return [
            ("AWS account", self.account),
            ("Functions", self.functions),
            ("OIDC provider", self.oidc_provider),
            *self._catalog.all(),
            *self.studio.all(),
        ]

    def account(self) -> Iterator[Check]:
        """There are credentials."""
        with translated(STS, "reading the account"):
            account = self._aws.client(STS).get_caller_identity()["Account"]
        if not self._aws.region:
            yield Check(
                "AWS account", "problem", "no Region is set", "Set AWS_DEFAULT_REGION, or a Region in the profile."
            )
            return
        yield Check("AWS account", "ok", f"{account}, {self._aws.region}")

    def functions(self) -> Iterator[Check]:
        """The functions are there, ready, and of one release: all that the settings deploy, in every stack."""
        name, names = "Functions", function_names(self._settings)
        missing, waiting, releases = [], [], dict[str, tuple[str, ...]]()
        for function in names:
            try:
                found = self._aws.function(function)
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

    def oidc_provider(self) -> Iterator[Check]:
        """IAM knows GitHub's identity tokens, for the audience that the workflows ask for."""
        name, settings = "OIDC provider", self._settings
        issuer = settings.github.oidc_issuer
        client = self._aws.client(IAM)
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
        return not CloudFormationStacks(self._aws.client(CLOUDFORMATION)).has_resource(PORTFOLIO_STACK, PROVIDER)
