"""What settings.toml may say: one model for each of its tables, with defaults and limits."""

from __future__ import annotations

import json
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, PrivateAttr, StringConstraints, field_validator, model_validator

from custom_resources.addresses import shows_a_secret
from custom_resources.catalogue import Layout
from products.repository_secrets import TRIGGER, VARIABLES
from products.settings.accounts import AccountName, Place, ProjectAccount, places, require_accounts
from products.settings.section import PARTITION as _PARTITION
from products.settings.section import Account, GitHubName, RoleArn
from products.settings.section import Section as _Section
from products.settings.section import repeated as _repeated
from products.settings.studio import OwnProfile, Studio

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
GITHUB_ISSUER = "token.actions.githubusercontent.com"
PRODUCTION = "production"  # the GitHub environment, and the stage that it deploys
# They are in each request of a launch, in an update twice: Step Functions takes 262,144 bytes, all in all.
_MOST_OF_VARIABLES = 32_768
_MAX_PATTERNS = 10  # of principals with wildcards, for one portfolio (AWS)
HttpUrl = Annotated[str, StringConstraints(pattern=r"^https?://[A-Za-z0-9.-]+(:\d+)?(/[A-Za-z0-9._/-]*)?\Z")]
RoleArnGiven = Annotated[str, StringConstraints(pattern=rf"^{_PARTITION}:iam::\d{{12}}:role/[\w+=,.@/-]+\Z")]
PrincipalArn = Annotated[
    str, StringConstraints(pattern=rf"^{_PARTITION}:iam::\d{{12}}:(role|user|group)/[\w+=,.@-]+\Z")
]
PrincipalPattern = Annotated[str, StringConstraints(pattern=rf"^{_PARTITION}:iam:::(role|user|group)/[\w+=,.@/*?-]+\Z")]
ProductId = Annotated[str, StringConstraints(pattern=r"^prod-[a-z0-9]{1,64}\Z")]
# "" stands for none: where roles without a boundary are valid.
BoundaryArn = Annotated[str, StringConstraints(pattern=rf"^({_PARTITION}:iam::(\d{{12}}|aws):policy/[\w+=,.@/-]+)?\Z")]
OrganizationNode = Annotated[str, StringConstraints(pattern=r"^(o-[a-z0-9]{10,32}|ou-[a-z0-9]{4,32}-[a-z0-9]{8,32})\Z")]
Email = Annotated[str, StringConstraints(pattern=r"^([^@\s]+@[^@\s]+\.[^@\s]+)?\Z")]
# A foundation model of Amazon Bedrock by its id, which begins with its maker; * at the end stands for any characters.
ModelId = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]*\.([A-Za-z0-9][A-Za-z0-9._:-]*\*?|\*)\Z", max_length=64)
]
# What the ids of inference profiles over several regions begin with, in place of the maker.
_GEOGRAPHIES = ("apac", "au", "ca", "eu", "global", "jp", "us", "us-gov")
# Roles by name, with their path, or by ARN; * stands for any characters. None begins with it: that is any role.
RolePattern = Annotated[
    str,
    StringConstraints(pattern=rf"^({_PARTITION}:iam::\d{{12}}:role/)?[\w+=,.@-][\w+=,.@*-]*(/[\w+=,.@*-]+)*\Z"),
]
# GitHub's rule for the name of a secret, in the spelling that GitHub shows.
SecretName = Annotated[str, StringConstraints(pattern=r"^(?!GITHUB_)[A-Z_][A-Z0-9_]{0,254}\Z")]
SecretReference = Annotated[
    str,
    StringConstraints(
        pattern=rf"^{_PARTITION}:secretsmanager:([a-z0-9-]+:\d{{12}}|\*:\*):secret:[\w/+=.@-]+(#[\w.-]+)?\Z"
    ),
]
# Everybody who can read the repository can read it.
VariableValue = Annotated[
    str, StringConstraints(min_length=1, max_length=4000, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]+\Z")
]
Reviewer = Annotated[str, StringConstraints(pattern=r"^(team|user):[1-9][0-9]{0,18}\Z")]  # by id
Visibility = Literal["private", "internal", "public"]
# In one organization; `*` stands for a part of the name. Twenty fit into a function's environment.
RepositoryPattern = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._*-]{1,100}\Z")
]
FolderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]*\Z")]


def _host(url: str) -> str:
    return (urlsplit(url).hostname or "").lower()


def _issuer(server: str) -> str:
    """Return who signs the tokens of a GitHub's workflows, by its host; an enterprise may append a path to it."""
    if server == "github.com":
        return GITHUB_ISSUER
    return f"token.actions.{server}" if server.endswith(".ghe.com") else f"{server}/_services/token"


class GitHub(_Section):
    """Where GitHub is."""

    api_url: HttpUrl = "https://api.github.com"
    server_url: HttpUrl = "https://github.com"
    oidc_issuer: str = Field(
        default="token.actions.githubusercontent.com", pattern=r"^[A-Za-z0-9.-]+(/[A-Za-z0-9._/-]+)?\Z"
    )
    oidc_provider_arn: str = Field(default="", pattern=rf"^({_PARTITION}:iam::\d{{12}}:oidc-provider/.+)?\Z")
    budget_share: float = Field(default=1.0, ge=0.01, le=1)

    @model_validator(mode="after")
    def _one_github(self) -> GitHub:
        """Refuse tokens of one GitHub for repositories of another: a role would trust a stranger of the same name."""
        server, api = _host(self.server_url), _host(self.api_url)
        if api not in (server, f"api.{server}"):
            raise ValueError(
                f"api_url is on {api}, and server_url on {server}; write both URLs of one GitHub (api.github.com and "
                "github.com, or the host of your GitHub Enterprise Server twice)"
            )
        issuer = _issuer(server)
        if self.oidc_issuer != issuer and not self.oidc_issuer.startswith(f"{issuer}/"):
            raise ValueError(
                f"oidc_issuer {self.oidc_issuer} does not sign the tokens of {server}; set oidc_issuer to {issuer}"
            )
        if self.oidc_provider_arn and not self.oidc_provider_arn.endswith(f":oidc-provider/{self.oidc_issuer}"):
            raise ValueError(
                f"oidc_provider_arn and oidc_issuer name different issuers; write an ARN that ends with "
                f":oidc-provider/{self.oidc_issuer}"
            )
        return self


class GitConfig(_Section):
    """The seed's Git settings, under the seed's names."""

    private_github_organization: GitHubName = ""
    private_deploy_repo_default_branch: str = Field(
        default="main", pattern=r"^(?!.*\.\.)(?!.*//)[A-Za-z0-9][A-Za-z0-9._/-]*\Z"
    )
    github_token_secret_name: str = Field(default="studio-mlops/github-token", pattern=r"^[A-Za-z0-9/_+=.@-]{1,400}\Z")
    oidc_role_github_workflow: RoleArn = ""
    public_aiops_templates_org: GitHubName = ""
    public_repo_branch: str = Field(default="main", min_length=1)
    specific_folders: tuple[FolderName, ...] = ()


class TemplateSource(_Section):
    """Where template content is published from."""

    repository: str = ""
    folder: str = Field(default="templates", pattern=r"^(?!/)(?!.*\.\.)[A-Za-z0-9._/-]*\Z")
    token_secret_name: str = ""
    build: str = Field(default="model_build", pattern=r"^(?!\.)[A-Za-z0-9._-]+\Z")
    deploy: str = Field(default="model_deploy", pattern=r"^(?!\.)[A-Za-z0-9._-]+\Z")

    @model_validator(mode="after")
    def _two_folders(self) -> TemplateSource:
        if self.build == self.deploy:
            raise ValueError(f"build and deploy are both {self.build!r}; name the folder of each part")
        return self

    @property
    def parts(self) -> dict[str, str]:
        """Which folder of a profile is which part."""
        return {self.build: "model_build", self.deploy: "model_deploy"}

    @field_validator("repository")
    @classmethod
    def _holds_no_token(cls, repository: str) -> str:
        """Refuse a user in an http(s) address: the usual form holds a token, which versions and commits would show."""
        if shows_a_secret(repository):
            raise ValueError("the URL contains a password or a token; remove it, and put it into TEMPLATE_SOURCE_TOKEN")
        return repository


class Portfolio(_Section):
    """The Service Catalog portfolio and who may use it."""

    name: str = Field(default="SageMaker Unified Studio MLOps", min_length=1, max_length=100)
    provider: str = Field(default="Platform team", min_length=1, max_length=50)
    description: str = Field(default="", max_length=2000)
    principals: tuple[PrincipalArn, ...] = ()
    principal_patterns: tuple[PrincipalPattern, ...] = ()
    share_accounts: tuple[Account, ...] = ()
    share_organizations: tuple[OrganizationNode, ...] = ()
    project_roles_may_launch: bool = False
    launches_only: bool = False
    products: tuple[ProductId, ...] = ()
    tag_options: dict[str, tuple[str, ...]] = Field(default_factory=dict)

    @field_validator("principals", "principal_patterns", "share_accounts", "share_organizations")
    @classmethod
    def _each_once(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        if twice := _repeated(values):
            raise ValueError(f"{twice} is listed twice; list it once")
        return values

    @model_validator(mode="after")
    def _whose_launches(self) -> Portfolio:
        if self.launches_only and not self.products:
            raise ValueError(
                "launches_only needs products; add the product's ID in the account that shares it (prod-...)"
            )
        return self

    @field_validator("principal_patterns")
    @classmethod
    def _as_many_as_aws_takes(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        if len(patterns) > _MAX_PATTERNS:
            raise ValueError(
                f"a portfolio can have {_MAX_PATTERNS} patterns, not {len(patterns)}; write fewer, wider patterns"
            )
        return patterns

    @field_validator("tag_options")
    @classmethod
    def _some_values(cls, options: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        for key, values in options.items():
            if not values or not key or key.lower().startswith("aws:"):
                raise ValueError(
                    f"the tag {key!r} is not valid; give it a name that does not start with aws: and at least one value"
                )
            if twice := _repeated(values):
                raise ValueError(f"the tag {key!r} has the value {twice!r} twice; list it once")
        return options


class Product(_Section):
    """The product, and what a launch's parameters default to."""

    name: str = Field(default="mlops-project", pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,99}\Z")
    owner: str = Field(default="Platform team", min_length=1, max_length=100)
    support_email: Email = ""
    description: str = Field(default="", max_length=8191)
    visibility: Visibility = "private"
    allowed_visibilities: tuple[Visibility, ...] = Field(default=("private", "internal"), min_length=1)
    sync_mode: Literal["Merge", "PullRequest", "Off"] = "Merge"
    glue_database: str = Field(default="glue_db", pattern=r"^[A-Za-z0-9_-]{1,255}\Z")
    glue_table: str = Field(default="abalone", pattern=r"^[A-Za-z0-9_-]{1,255}\Z")
    scope_name: str = Field(default="dev", pattern=r"^[A-Za-z0-9_-]{1,64}\Z")
    repository_names: str = Field(
        default="{project}-{part}", pattern=r"^(?:[A-Za-z0-9_-]|\{project\}|\{part\}|\{id\})+\Z", max_length=60
    )
    topics: tuple[Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,49}\Z")], ...] = ()
    retain_on_failure: bool = False
    classic: bool = False
    classic_execution_roles: tuple[RoleArnGiven, ...] = ()
    allow_direct_launches: bool = False
    glue_databases: tuple[Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,255}\Z")], ...] = ()
    deploy_accounts: tuple[Account, ...] = ()

    @field_validator("repository_names")
    @classmethod
    def _tells_repositories_apart(cls, pattern: str) -> str:
        if pattern.count("{part}") != 1 or not ("{project}" in pattern or "{id}" in pattern):
            raise ValueError(
                "the repositories need two names; write {part} once, and {project} or {id}, as in {project}-{part}"
            )
        return pattern

    @model_validator(mode="after")
    def _default_is_listed(self) -> Product:
        if self.glue_databases and self.glue_database not in self.glue_databases:
            raise ValueError("glue_databases does not list glue_database, the default of launches; add it")
        return self

    @model_validator(mode="after")
    def _default_is_allowed(self) -> Product:
        if self.visibility not in self.allowed_visibilities:
            raise ValueError(f"visibility {self.visibility!r} is not in allowed_visibilities; add it there")
        return self


class Adoption(_Section):
    """Repositories that an administrator gives to projects without a file in them."""

    repositories: tuple[RepositoryPattern, ...] = Field(default=(), max_length=20)


class WorkflowRole(_Section):
    """The role that a project's workflows assume."""

    environments: tuple[Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,255}\Z")], ...] = ()
    reviewers: dict[str, Annotated[tuple[Reviewer, ...], Field(max_length=6)]] = Field(default_factory=dict)
    artifact_access: Literal["project", "bucket"] = "project"
    execution_roles: tuple[RolePattern, ...] = (
        "datazone_usr_role_*",
        "service-role/AmazonSageMakerUserIAMExecutionRole_*",
    )
    grant_execution_role_files: bool = False
    bedrock_models: Annotated[tuple[ModelId, ...], Field(max_length=6)] = ()
    deploy_role: str = Field(
        default="studio-deploy-{project}-{stage}", pattern=r"^([A-Za-z0-9_+=,.@-]|\{project\}|\{stage\}){1,64}\Z"
    )

    @field_validator("bedrock_models")
    @classmethod
    def _foundation_models(cls, models: tuple[str, ...]) -> tuple[str, ...]:
        """Refuse an inference profile's id: IAM asks for the model that it leads to."""
        if profiles := [each for each in models if each.partition(".")[0] in _GEOGRAPHIES]:
            model = profiles[0].partition(".")[2]
            raise ValueError(f"{profiles[0]!r} is an inference profile; write its foundation model, {model!r}")
        return models

    @field_validator("environments")
    @classmethod
    def _production_is_written_so(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        """Refuse another spelling: to GitHub it is the same environment, to a role's trust policy it is not."""
        if other := [name for name in names if name.lower() == PRODUCTION and name != PRODUCTION]:
            raise ValueError(f"GitHub takes {other[0]!r} for the environment production; write it in lower case")
        return names

    @property
    def has_production(self) -> bool:
        """Whether production is an environment, which then has a role of its own."""
        return PRODUCTION in self.environments

    @property
    def others(self) -> tuple[str, ...]:
        """The environments that share the workflow role."""
        return tuple(each for each in self.environments if each != PRODUCTION)

    @model_validator(mode="after")
    def _models_have_room(self) -> WorkflowRole:
        """Refuse models in one role for all: IAM's limit of its policies' length leaves no room."""
        if self.bedrock_models and not self.has_production:
            raise ValueError("bedrock_models needs a separate role for production; add production to environments")
        return self

    @model_validator(mode="after")
    def _reviewers_have_an_environment(self) -> WorkflowRole:
        if unknown := sorted(self.reviewers.keys() - set(self.environments)):
            raise ValueError(
                f"reviewers names the unlisted environment {unknown[0]!r}; add it to environments, or remove it"
            )
        return self


# One of GitHub's users, by its login; some logins of Enterprise Managed Users have an underscore.
Login = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,37}[A-Za-z0-9_])?\Z")]
LoginOrTeam = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,38}(?:/[a-z0-9][a-z0-9_-]{0,99})?\Z")
]


class PullRequests(_Section):
    """What the template's pull requests get when they are opened."""

    labels: tuple[Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f,]{1,50}\Z")], ...] = Field(
        default=(), max_length=10
    )
    assignees: tuple[Login, ...] = Field(default=(), max_length=10)
    reviewers: tuple[LoginOrTeam, ...] = Field(default=(), max_length=15)  # GitHub's limit

    @field_validator("labels", "assignees", "reviewers")
    @classmethod
    def _each_once(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        if twice := _repeated(values):
            raise ValueError(f"{twice} is listed twice; list it once")
        return values


class Settings(_Section):
    """All of settings.toml."""

    prefix: str = Field(default="studio-mlops", pattern=r"^[a-z][a-z0-9-]{0,14}[a-z0-9]\Z")
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
    _place: Place | None = PrivateAttr(default=None)

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
        if patterns > _MAX_PATTERNS:
            raise ValueError(
                f"a portfolio can have {_MAX_PATTERNS} patterns, and project_roles_may_launch adds one for each "
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

    @property
    def place(self) -> Place | None:
        """Where these settings are used; None in an installation of one account."""
        return self._place

    def at(self, place: Place) -> Settings:
        """Return the settings as they are used in a place: with its names, and its principals only."""
        own = tuple(each for each in self.portfolio.principals if each.split(":")[4] == place.account)
        used = self.model_copy(update={"portfolio": self.portfolio.model_copy(update={"principals": own})})
        used._place = place
        return used

    @property
    def repository_pattern(self) -> str:
        """How repositories are called; by an id too on GitHub Enterprise Server, where AWS knows them by name alone."""
        pattern, host = self.product.repository_names, _host(self.github.server_url)
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

    def _named(self, name: str) -> str:
        """Return a name of something that IAM has once an account, though it is needed in each region."""
        return self._place.named(name) if self._place else name

    @property
    def boundary(self) -> str:
        """The administrator's permissions boundary for new roles; "": the workflows' roles get the one that we ship."""
        return self.permissions_boundary[0] if self.permissions_boundary else ""

    @property
    def workflow_boundary_name(self) -> str:
        """The managed policy that bounds the workflows' roles where the settings name no boundary."""
        return f"{self.prefix}-workflow-boundary"

    @property
    def source_repository(self) -> str:
        """The Git URL or path that content is published from; "" for this repository's own folder."""
        name = self.template_source.repository
        if not name or "/" in name:
            return name
        return f"{self.github.server_url}/{self.git_config.public_aiops_templates_org}/{name}.git"

    @property
    def launch_stacks(self) -> tuple[str, ...]:
        """The names of the stacks that may launch the product: Service Catalog's, and direct launches."""
        return ("SC-*", f"{self.prefix}-*")

    @property
    def launch_role_name(self) -> str:
        """The launch constraint's role, by the same name in every account."""
        return self._named(f"{self.prefix}-launch")

    @property
    def dashboard_name(self) -> str:
        """CloudWatch's dashboard: an account has its dashboards once, for all regions."""
        return self._named(self.prefix)

    @property
    def studio_organization(self) -> str:
        """The organization in which launches from Studio make repositories."""
        return self.studio.organization or self.git_config.private_github_organization

    @property
    def organizations(self) -> tuple[str, ...]:
        """The organizations in which launches may make repositories; none = any that the token reaches."""
        named = (self.git_config.private_github_organization, self.studio.organization)
        return tuple(dict.fromkeys(filter(None, named)))

    @property
    def provisioning_role_name(self) -> str:
        """The role that Studio's blueprint launches with."""
        return f"{self.prefix}-provisioning"

    @property
    def reader_role_name(self) -> str:
        """The domain account's role by which functions of other accounts read projects."""
        return f"{self.prefix}-studio-reader"

    @property
    def project_setup_role_name(self) -> str:
        """The role of the state machine that launches for projects' events."""
        return self._named(f"{self.prefix}-project-setup")

    @property
    def rollout_machine_name(self) -> str:
        """The state machine that goes through a rollout's waves."""
        return f"{self.prefix}-rollout"

    @property
    def update_machine_name(self) -> str:
        """The state machine that updates one project in a rollout."""
        return f"{self.prefix}-update-project"

    @property
    def update_role_name(self) -> str:
        """The role of that machine, a principal of the portfolio."""
        return self._named(self.update_machine_name)

    @property
    def product_parameter(self) -> str:
        """The SSM parameter in which each account and region of projects has its product's id."""
        return f"/{self.prefix}/product-id"

    @property
    def blueprint_parameter(self) -> str:
        """The SSM parameter in which the domain's account has the blueprint's id."""
        return f"/{self.prefix}/blueprint-id"

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

    @property
    def approval_queues(self) -> tuple[str, str]:
        """The queue of approved models, and where those end that failed."""
        return f"{self.prefix}-approvals.fifo", f"{self.prefix}-approvals-dead.fifo"

    @property
    def workflow_role_prefix(self) -> str:
        """What the names of the projects' workflow roles begin with."""
        return f"{self.prefix}-wf-"

    @property
    def production_role_prefix(self) -> str:
        """What the names of the roles of the projects' production deployments begin with. IAM takes 64 characters."""
        return f"{self.prefix}-production-"
