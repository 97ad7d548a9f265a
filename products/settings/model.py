"""All of settings.toml in one model, and what follows from it."""

from __future__ import annotations

import json
from typing import Literal

from pydantic import Field, field_validator, model_validator

from custom_resources.catalogue import Layout
from products.repository_secrets import TRIGGER, VARIABLES
from products.settings.accounts import AccountName, Place, ProjectAccount, places, require_accounts
from products.settings.names import Names
from products.settings.studio import OwnProfile, Studio
from products.settings.tables import (
    MAX_PATTERNS,
    Adoption,
    GitConfig,
    GitHub,
    Portfolio,
    Product,
    PullRequests,
    TemplateSource,
    WorkflowRole,
)
from products.settings.values import BoundaryArn, Email, FolderName, SecretName, SecretReference, VariableValue

RETENTION_DAYS = (
    1,
    3,
    5,
    7,
    14,
    30,
    60,
    90,
    120,
    150,
    180,
    365,
    400,
    545,
    731,
    1096,
    1827,
    2192,
    2557,
    2922,
    3288,
    3653,
)
# They are in each request of a launch, in an update twice: Step Functions takes 262,144 bytes, all in all.
_MOST_OF_VARIABLES = 32_768


class Settings(Names):
    """All of settings.toml."""

    architecture: Literal["arm64", "x86_64"] = "arm64"
    log_retention_days: int = 90
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    xray: bool = False
    permissions_boundary: tuple[BoundaryArn, ...] = ()
    notification_email: Email = ""
    github: GitHub = GitHub()
    git_config: GitConfig = GitConfig()
    template_source: TemplateSource = TemplateSource()
    portfolio: Portfolio = Portfolio()
    product: Product = Product()
    adoption: Adoption = Adoption()
    profile_folders: dict[str, FolderName] = Field(default_factory=dict)
    secret_references: dict[SecretName, SecretReference] = Field(default_factory=dict)
    variables: dict[SecretName, VariableValue] = Field(default_factory=dict, max_length=100)
    pull_requests: PullRequests = PullRequests()
    workflow_role: WorkflowRole = WorkflowRole()
    studio: Studio = Studio()
    accounts: dict[AccountName, ProjectAccount] = Field(default_factory=dict)

    @field_validator("permissions_boundary", mode="before")
    @classmethod
    def _one_or_several(cls, given: object) -> object:
        """Take a plain ARN as a list of one, "" as none."""
        if isinstance(given, str):
            return (given,) if given else ()
        return tuple(given) if isinstance(given, list) else given

    @field_validator("permissions_boundary")
    @classmethod
    def _each_boundary_once(cls, boundaries: tuple[str, ...]) -> tuple[str, ...]:
        if twice := [each for each in boundaries if boundaries.count(each) > 1]:
            raise ValueError(f"{twice[0]!r} is listed twice; list it once")
        return boundaries

    @field_validator("log_retention_days")
    @classmethod
    def _cloudwatch_knows(cls, days: int) -> int:
        if days not in RETENTION_DAYS:
            raise ValueError(
                f"CloudWatch does not offer {days} days; write one of {', '.join(map(str, RETENTION_DAYS))}"
            )
        return days

    @field_validator("secret_references")
    @classmethod
    def _of_one_place(cls, references: dict[str, str]) -> dict[str, str]:
        """A launch sets all of them, and reads secrets of its own account and region only.

        `*` for both is the account and region that launches: the secret is taken by its name.
        """
        places = {":".join(arn.split(":")[1:5]): name for name, arn in references.items()}
        if len(places) > 1:
            one, other = sorted(places.values())[:2]
            raise ValueError(
                f"{one} and {other} are in different accounts or Regions, and a launch reads only secrets of its own; "
                "name secrets of the account and Region that launch the product"
            )
        return references

    @field_validator("variables")
    @classmethod
    def _of_no_launch(cls, variables: dict[str, str]) -> dict[str, str]:
        """Refuse what a launch sets by itself, and what CloudFormation would replace."""
        if TRIGGER in variables:
            raise ValueError(f"{TRIGGER} is a parameter of each launch (TriggerPipelineExecution); remove it")
        if set_by_launches := sorted(variables.keys() & set(VARIABLES["Build"])):
            raise ValueError(f"each launch sets {set_by_launches[0]} to the project's own value; remove it")
        if replaced := [name for name, value in variables.items() if "{{resolve:" in value]:
            raise ValueError(
                f"{replaced[0]} contains {{{{resolve:, which CloudFormation replaces; write the value itself"
            )
        if len(json.dumps(variables)) > _MOST_OF_VARIABLES:
            raise ValueError(
                f"all variables have more than {_MOST_OF_VARIABLES:,} characters of JSON; move long values to a file"
            )
        return variables

    @model_validator(mode="after")
    def _fits_together(self) -> Settings:
        source, config = self.template_source, self.git_config
        if source.repository and "/" not in source.repository and not config.public_aiops_templates_org:
            raise ValueError(
                "template_source.repository is only a name; set git_config.public_aiops_templates_org or write the URL"
            )
        if self.studio.domain_id and not self.studio_organization:
            raise ValueError(
                "launches from Studio need an organization; set git_config.private_github_organization or "
                "studio.organization"
            )
        patterns = len(self.portfolio.principal_patterns) + len(self.launching_project_roles)
        if patterns > MAX_PATTERNS:
            raise ValueError(
                f"a portfolio can have {MAX_PATTERNS} patterns, and project_roles_may_launch adds one for each "
                "of workflow_role.execution_roles; write fewer"
            )
        if self.portfolio.launches_only and (self.studio.domain_id or self.studio.model_approval.enabled):
            raise ValueError(
                "[studio] needs a portfolio, and portfolio.launches_only creates none; set only one of the two"
            )
        require_accounts(self.studio, self.accounts)
        if self.has_accounts:
            self._require_copies()
        return self

    def _require_copies(self) -> None:
        """Refuse what names one account or region for all: each account has a copy of its own."""
        portfolio, roles = self.portfolio, self.workflow_role.execution_roles
        refused = {
            "portfolio.share_accounts": (portfolio.share_accounts, "leave it empty"),
            "portfolio.share_organizations": (portfolio.share_organizations, "leave it empty"),
            "portfolio.launches_only": (portfolio.launches_only, "remove it"),
            "studio.regions": (self.studio.regions, "list the Regions of each account"),
            "github.oidc_provider_arn": (
                self.github.oidc_provider_arn,
                "set oidc_provider_exists for the accounts that have the provider",
            ),
            "secret_references by account and region": (
                [each for each in self.secret_references.values() if ":*:*:secret:" not in each],
                "write arn:aws:secretsmanager:*:*:secret:NAME, without the suffix, for a secret in each Region",
            ),
            "product.classic_execution_roles": (self.product.classic_execution_roles, "leave it empty"),
            "workflow_role.execution_roles by ARN": (
                [each for each in roles if each.startswith("arn:")],
                "write the roles' names with their paths",
            ),
        }
        for key, (given, advice) in refused.items():
            if given:
                raise ValueError(f"{key} belongs to one account, and [accounts] deploys to several; {advice}")
        listed = {each.account for each in self.accounts.values()}
        for arn in portfolio.principals:
            if arn.split(":")[4] not in listed:
                raise ValueError(
                    f"portfolio.principals has {arn}, and [accounts] does not list its account; add the account there"
                )

    @property
    def has_accounts(self) -> bool:
        """Whether the domain is in one account and projects in others; else all is in the account deployed to."""
        return bool(self.studio.domain_account)

    @property
    def places(self) -> tuple[Place, ...]:
        """Where stacks are deployed to, the domain's place first; none: the account and region deployed to."""
        return tuple(places(self.studio, self.accounts))

    @property
    def layout(self) -> Layout:
        """What is deployed where these settings are used."""
        if self._place is None:
            return "one account"
        return "domain account" if self._place.is_domain else "project account"

    @property
    def blueprint_bucket_name(self) -> str:
        """The bucket from which all accounts read the blueprint's template."""
        return f"{self.prefix}-blueprints-{self.studio.domain_account}-{self.studio.domain_region}"

    def at(self, place: Place) -> Settings:
        """Return the settings as they are used in a place: with its names, and its principals only."""
        own = tuple(each for each in self.portfolio.principals if each.split(":")[4] == place.account)
        used = self.model_copy(update={"portfolio": self.portfolio.model_copy(update={"principals": own})})
        used._place = place
        return used

    @property
    def repository_pattern(self) -> str:
        """How repositories are called; by an id too on GitHub Enterprise Server, where AWS knows them by name alone."""
        pattern, host = self.product.repository_names, self.github.host
        by_name_alone = host != "github.com" and not host.endswith(".ghe.com")
        return f"{pattern}-{{id}}" if by_name_alone and "{id}" not in pattern else pattern

    @property
    def secrets_read(self) -> dict[str, str]:
        """What a launch reads for each of `secret_references`: an ARN, or a name in its own account and region."""
        return {
            name: reference.partition(":*:*:secret:")[2] or reference
            for name, reference in self.secret_references.items()
        }

    @property
    def provider_exists(self) -> bool:
        """Whether the account has GitHub's identity provider already: none is created."""
        if self._place and self._place.name in self.accounts:
            return self.accounts[self._place.name].oidc_provider_exists
        return bool(self.github.oidc_provider_arn)

    @property
    def boundary(self) -> str:
        """The administrator's permissions boundary for new roles; "": the workflows' roles get the one that we ship."""
        return self.permissions_boundary[0] if self.permissions_boundary else ""

    @property
    def source_repository(self) -> str:
        """The Git URL or path that content is published from; "" for this repository's own folder."""
        name = self.template_source.repository
        if not name or "/" in name:
            return name
        return f"{self.github.server_url}/{self.git_config.public_aiops_templates_org}/{name}.git"

    @property
    def studio_organization(self) -> str:
        """The organization in which launches from Studio make repositories."""
        return self.studio.organization or self.git_config.private_github_organization

    @property
    def organizations(self) -> tuple[str, ...]:
        """The organizations in which launches may make repositories; none = any that the token reaches."""
        named = (self.git_config.private_github_organization, self.studio.organization)
        return tuple(dict.fromkeys(filter(None, named)))

    def place_of(self, own: OwnProfile) -> Place:
        """Return where projects of a profile of ours are, in an installation of several accounts."""
        name = own.account or next(iter(self.accounts))
        return next(
            place for place in self.places if place.name == name and place.region == (own.region or place.regions[0])
        )

    @property
    def launching_project_roles(self) -> tuple[str, ...]:
        """Patterns of the projects' roles that are principals of the portfolio."""
        if not self.portfolio.project_roles_may_launch:
            return ()
        paths = [each.partition(":role/")[2] or each for each in self.workflow_role.execution_roles]
        return tuple(f"arn:aws:iam:::role/{path}" for path in paths)
