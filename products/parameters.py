"""The product's parameters: what a launch asks for, in the groups of the launch form. Imports no aws_cdk."""

from __future__ import annotations

from dataclasses import dataclass

from products.settings import Settings
from products.settings.tables import GitConfig, Product

_REPOSITORY_NAME = r"^(?!\.{1,2}$)(?!.*\.git$)[A-Za-z0-9._-]{0,100}$"
_NAME = r"^[\w -]{0,64}$"
_NAME_CONSTRAINT = "must have up to 64 letters, digits, spaces, underscores and hyphens"


@dataclass(frozen=True)
class Parameter:
    """A parameter as the launch form shows it. `default` None: it must be given."""

    name: str
    label: str
    description: str
    default: str | None = ""
    pattern: str = ""
    constraint: str = ""
    values: tuple[str, ...] = ()


def launch_parameters(settings: Settings) -> dict[str, list[Parameter]]:
    """Return the parameters by the title of the group that the launch form shows them in, in its order."""
    product, git = settings.product, settings.git_config
    return {
        "Project": _of_the_project(product),
        "Repositories on GitHub": _of_the_repositories(product, git),
        "Template": _of_the_template(product),
        "Data and deployment": _of_data_and_deployment(product),
    }


def _of_the_project(product: Product) -> list[Parameter]:
    return [
        Parameter(
            "DomainId",
            "Domain ID",
            "The SageMaker Unified Studio domain, such as dzd_1a2b3c. Enter classic for SageMaker Studio classic.",
            None,
            r"^(dzd[-_][a-zA-Z0-9_-]{1,36}|classic)$",
            "must be an ID that starts with dzd_ or dzd-, or the word classic",
        ),
        Parameter(
            "ProjectId",
            "Project ID",
            "The Studio project. Leave empty for SageMaker Studio classic.",
            "",
            r"^[a-zA-Z0-9_-]{0,36}$",
            "must have up to 36 letters, digits, underscores and hyphens",
        ),
        Parameter("ProjectName", "Project name", "Leave empty to use the name in Studio.", "", _NAME, _NAME_CONSTRAINT),
        Parameter(
            "ProfileName",
            "Project profile",
            "Selects the template folder. Leave empty to use the project's own profile.",
            "",
            _NAME,
            _NAME_CONSTRAINT,
        ),
        Parameter(
            "TemplateFolder",
            "Template folder",
            "The folder of the template. Leave empty to use the profile's name in lower case.",
            "",
            r"^([A-Za-z0-9][A-Za-z0-9 ._-]{0,99})?$",
            "must have up to 100 letters, digits, spaces, dots, underscores and hyphens",
        ),
        Parameter(
            "UserRoleArn",
            "Project role",
            "The ARN of the role that pipelines run as. Leave empty to use the project's own role.",
            "",
            r"^(arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+)?$",
            "must be the ARN of a role",
        ),
        Parameter(
            "ProjectBucket",
            "Project bucket",
            "The ARN of the bucket for the project's files. Leave empty to use the project's own bucket.",
            "",
            # What Studio fills in must not fail the launch here: the function looks at it, and looks it up otherwise.
            r"^[\x21-\x7e]{0,1024}$",
            "must be the ARN of a bucket, or a location s3://...",
        ),
        Parameter(
            "ScopeName",
            "Scope name",
            "The workflows read it as AMAZON_DATAZONE_SCOPENAME. Studio uses dev.",
            product.scope_name,
            r"^[A-Za-z0-9_-]{1,64}$",
            "must have 1 to 64 letters, digits, underscores and hyphens",
        ),
        Parameter(
            "SageMakerProjectName",
            "SageMaker classic project name",
            "SageMaker Studio classic fills this in.",
            "",
            r"^([a-zA-Z0-9](-*[a-zA-Z0-9]){0,31})?$",
            "must be a SageMaker project name",
        ),
        Parameter(
            "SageMakerProjectId",
            "SageMaker classic project ID",
            "SageMaker Studio classic fills this in.",
            "",
            r"^([a-zA-Z0-9](-*[a-zA-Z0-9]){0,19})?$",
            "must be a SageMaker project ID",
        ),
    ]


def _called(product: Product, part: str) -> str:
    """Return the default name of a repository, as the launch form shows it."""
    pattern = product.repository_names
    shown = pattern.replace("{project}", "<project>").replace("{id}", "<short ID>").replace("{part}", part)
    return shown + (", followed by a short ID if that name is taken" if "{id}" not in pattern else "")


def _of_the_repositories(product: Product, git: GitConfig) -> list[Parameter]:
    return [
        Parameter(
            "Organization",
            "Organization",
            "The GitHub organization in which the launch creates the repositories.",
            git.private_github_organization or None,
            r"^[A-Za-z0-9][A-Za-z0-9-]{0,38}$",
            "must be the name of an organization, as in its GitHub URL",
        ),
        Parameter(
            "BuildRepositoryName",
            "Build repository",
            f"Leave empty to use the repository of the project's Git connection, or else {_called(product, 'build')}.",
            "",
            _REPOSITORY_NAME,
            "must have up to 100 letters, digits, dots, underscores and hyphens, not ending in .git",
        ),
        Parameter(
            "ConnectedRepository",
            "Connected repository",
            "OWNER/NAME of the repository that the project's Git connection created. Leave empty if there is none.",
            "",
            r"^[A-Za-z0-9._/-]{0,255}$",
            "must be OWNER/NAME of a repository",
        ),
        Parameter(
            "DeployRepositoryName",
            "Deploy repository",
            f"Leave empty to use {_called(product, 'deploy')}.",
            "",
            _REPOSITORY_NAME,
            "must have up to 100 letters, digits, dots, underscores and hyphens, not ending in .git",
        ),
        Parameter(
            "RepositoryVisibility",
            "Visibility",
            "Who can see the repositories. internal requires GitHub Enterprise Cloud or Server.",
            product.visibility,
            values=product.allowed_visibilities,
        ),
        Parameter(
            "AdoptExisting",
            "Adopt existing repositories",
            "true: use existing repositories with these names if their owners consent. They keep their content.",
            "false",
            values=("true", "false"),
        ),
    ]


def _of_the_template(product: Product) -> list[Parameter]:
    return [
        Parameter(
            "SyncMode",
            "Template updates",
            "Merge: merge updates that do not conflict into the default branch. PullRequest: always open a pull "
            "request. Off: deliver no template.",
            product.sync_mode,
            values=("Merge", "PullRequest", "Off"),
        ),
        Parameter(
            "TriggerPipelineExecution",
            "Run the pipeline on push",
            "true: a push runs the pipeline (variable TRIGGER_PIPELINE_EXECUTION in both repositories).",
            "false",
            values=("true", "false"),
        ),
        Parameter(
            "RotateSecrets",
            "Rewrite all secrets",
            "true: rewrite every secret, even unchanged ones. This overwrites edits made on GitHub.",
            "false",
            values=("true", "false"),
        ),
    ]


def _of_data_and_deployment(product: Product) -> list[Parameter]:
    return [
        Parameter(
            "GlueDatabase",
            "Glue database",
            "The workflows read it as GLUE_DATABASE.",
            product.glue_database,
            r"^[A-Za-z0-9_-]{1,255}$",
            "must have 1 to 255 letters, digits, underscores and hyphens",
        ),
        Parameter(
            "GlueTable",
            "Glue table",
            "The workflows read it as GLUE_TABLE.",
            product.glue_table,
            r"^[A-Za-z0-9_-]{1,255}$",
            "must have 1 to 255 letters, digits, underscores and hyphens",
        ),
        Parameter(
            "DeployAccount",
            "Deployment account",
            "The AWS account in which workflows deploy models. Leave empty to use this account.",
            "",
            r"^(\d{12})?$",
            "must be an account ID of 12 digits",
        ),
        Parameter(
            "MlflowTrackingUri",
            "MLflow tracking server",
            "The ARN or URL of the tracking server. Leave empty to use the project's own.",
            "",
            r"^(arn:aws[a-z-]*:sagemaker:\S+|https?://\S+)?$",
            "must be an ARN or an http(s) URL",
        ),
    ]
