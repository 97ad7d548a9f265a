"""The tables of settings.toml, one model each, with defaults and limits (Studio's and the accounts': beside it)."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, StringConstraints, field_validator, model_validator

from custom_resources.addresses import shows_a_secret
from products.settings.section import PARTITION, Account, GitHubName, RoleArn, Section, repeated
from products.settings.values import (
    Email,
    FolderName,
    HttpUrl,
    Login,
    LoginOrTeam,
    ModelId,
    OrganizationNode,
    PrincipalArn,
    PrincipalPattern,
    ProductId,
    RepositoryPattern,
    Reviewer,
    RoleArnGiven,
    RolePattern,
    Visibility,
)

GITHUB_ISSUER = "token.actions.githubusercontent.com"
PRODUCTION = "production"  # the GitHub environment, and the stage that it deploys
MAX_PATTERNS = 10  # of principals with wildcards, for one portfolio (AWS)
# What the ids of inference profiles over several regions begin with, in place of the maker.
_GEOGRAPHIES = ("apac", "au", "ca", "eu", "global", "jp", "us", "us-gov")


def _host(url: str) -> str:
    return (urlsplit(url).hostname or "").lower()


def _issuer(server: str) -> str:
    """Return who signs the tokens of a GitHub's workflows, by its host; an enterprise may append a path to it."""
    if server == "github.com":
        return GITHUB_ISSUER
    return f"token.actions.{server}" if server.endswith(".ghe.com") else f"{server}/_services/token"


class GitHub(Section):
    """Where GitHub is."""

    api_url: HttpUrl = "https://api.github.com"
    server_url: HttpUrl = "https://github.com"
    oidc_issuer: str = Field(
        default="token.actions.githubusercontent.com", pattern=r"^[A-Za-z0-9.-]+(/[A-Za-z0-9._/-]+)?\Z"
    )
    oidc_provider_arn: str = Field(default="", pattern=rf"^({PARTITION}:iam::\d{{12}}:oidc-provider/.+)?\Z")
    budget_share: float = Field(default=1.0, ge=0.01, le=1)

    @property
    def host(self) -> str:
        """The host of the repositories' addresses."""
        return _host(self.server_url)

    @model_validator(mode="after")
    def _one_github(self) -> GitHub:
        """Refuse tokens of one GitHub for repositories of another: a role would trust a stranger of the same name."""
        server, api = self.host, _host(self.api_url)
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


class GitConfig(Section):
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


class TemplateSource(Section):
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


class Portfolio(Section):
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
        if twice := repeated(values):
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
        if len(patterns) > MAX_PATTERNS:
            raise ValueError(
                f"a portfolio can have {MAX_PATTERNS} patterns, not {len(patterns)}; write fewer, wider patterns"
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
            if twice := repeated(values):
                raise ValueError(f"the tag {key!r} has the value {twice!r} twice; list it once")
        return options


class Product(Section):
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


class Adoption(Section):
    """Repositories that an administrator gives to projects without a file in them."""

    repositories: tuple[RepositoryPattern, ...] = Field(default=(), max_length=20)


class WorkflowRole(Section):
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


class PullRequests(Section):
    """What the template's pull requests get when they are opened."""

    labels: tuple[Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f,]{1,50}\Z")], ...] = Field(
        default=(), max_length=10
    )
    assignees: tuple[Login, ...] = Field(default=(), max_length=10)
    reviewers: tuple[LoginOrTeam, ...] = Field(default=(), max_length=15)  # GitHub's limit

    @field_validator("labels", "assignees", "reviewers")
    @classmethod
    def _each_once(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        if twice := repeated(values):
            raise ValueError(f"{twice} is listed twice; list it once")
        return values
