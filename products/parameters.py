"""The product's parameters: what a launch asks for, in the groups of the launch form. Imports no aws_cdk."""

from __future__ import annotations

from dataclasses import dataclass

from products.settings import Settings
from products.settings.model import GitConfig, Product

_REPOSITORY_NAME = r"^(?!\.{1,2}$)(?!.*\.git$)[A-Za-z0-9._-]{0,100}$"
_NAME = r"^[\w -]{0,64}$"
_NAME_CONSTRAINT = "up to 64 letters, digits, spaces, underscores and hyphens"


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
            "Domain id",
            "The SageMaker Unified Studio domain, such as dzd_1a2b3c; classic in SageMaker Studio classic.",
            None,
            r"^(dzd[-_][a-zA-Z0-9_-]{1,36}|classic)$",
            "an id that starts with dzd_ or dzd-, or classic",
        ),
        Parameter(
            "ProjectId",
            "Project id",
            "The Studio project. Empty in SageMaker Studio classic, which fills in its own.",
            "",
            r"^[a-zA-Z0-9_-]{0,36}$",
            "up to 36 letters, digits, underscores and hyphens",
        ),
        Parameter("ProjectName", "Project name", "Empty: as Studio says.", "", _NAME, _NAME_CONSTRAINT),
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
            "Filled in by Studio's project profile. Empty: the profile's name in lower case.",
            "",
            r"^([A-Za-z0-9][A-Za-z0-9 ._-]{0,99})?$",
            "up to 100 letters, digits, spaces, dots, underscores and hyphens",
        ),
        Parameter(
            "UserRoleArn",
            "Project role",
            "The role that pipelines run as: the project's own, filled in by Studio. Empty: looked up.",
            "",
            r"^(arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+)?$",
            "the ARN of a role",
        ),
        Parameter(
            "ProjectBucket",
            "Project bucket",
            "The ARN of the bucket that holds the project's files, filled in by Studio. Empty: looked up.",
            "",
            # What Studio fills in must not fail the launch here: the function looks at it, and looks it up otherwise.
            r"^[\x21-\x7e]{0,1024}$",
            "the ARN of a bucket, or a location s3://...",
        ),
        Parameter(
            "ScopeName",
            "Scope name",
            "AMAZON_DATAZONE_SCOPENAME for the workflows; Studio's scope is dev.",
            product.scope_name,
            r"^[A-Za-z0-9_-]{1,64}$",
            "1 to 64 letters, digits, underscores and hyphens",
        ),
        Parameter(
            "SageMakerProjectName",
            "SageMaker classic project name",
            "Filled in by SageMaker Studio classic.",
            "",
            r"^([a-zA-Z0-9](-*[a-zA-Z0-9]){0,31})?$",
            "a SageMaker project name",
        ),
        Parameter(
            "SageMakerProjectId",
            "SageMaker classic project id",
            "Filled in by SageMaker Studio classic.",
            "",
            r"^([a-zA-Z0-9](-*[a-zA-Z0-9]){0,19})?$",
            "a SageMaker project id",
        ),
    ]


def _called(product: Product, part: str) -> str:
    """Return how a repository is called whose name nobody chooses, for people."""
    pattern = product.repository_names.replace("{project}", "<project>").replace("{id}", "<short id>")
    return pattern.replace("{part}", part) + (", and a short id where that is taken" if "{id}" not in pattern else "")


def _of_the_repositories(product: Product, git: GitConfig) -> list[Parameter]:
    return [
        Parameter(
            "Organization",
            "Organization",
            "The organization that the repositories are made in.",
            git.private_github_organization or None,
            r"^[A-Za-z0-9][A-Za-z0-9-]{0,38}$",
            "an organization's name as in its address on GitHub",
        ),
        Parameter(
            "BuildRepositoryName",
            "Build repository",
            f"Empty: the one of the project's Git connection, else {_called(product, 'build')}.",
            "",
            _REPOSITORY_NAME,
            "up to 100 letters, digits, dots, underscores and hyphens, not ending in .git",
        ),
        Parameter(
            "ConnectedRepository",
            "Connected repository",
            "OWNER/NAME of the repository that Studio's Git connection made for the project. Empty: none.",
            "",
            r"^[A-Za-z0-9._/-]{0,255}$",
            "an owner and a repository's name, separated by a slash",
        ),
        Parameter(
            "DeployRepositoryName",
            "Deploy repository",
            f"Empty: {_called(product, 'deploy')}.",
            "",
            _REPOSITORY_NAME,
            "up to 100 letters, digits, dots, underscores and hyphens, not ending in .git",
        ),
        Parameter(
            "RepositoryVisibility",
            "Visibility",
            "Who can see the repositories. Internal needs GitHub Enterprise.",
            product.visibility,
            values=product.allowed_visibilities,
        ),
        Parameter(
            "AdoptExisting",
            "Adopt existing repositories",
            "true: take repositories of these names that exist already and consent to it; they keep their content.",
            "false",
            values=("true", "false"),
        ),
    ]


def _of_the_template(product: Product) -> list[Parameter]:
    return [
        Parameter(
            "SyncMode",
            "Template updates",
            "Merge: into the default branch where that is clean; PullRequest: always ask; Off: never.",
            product.sync_mode,
            values=("Merge", "PullRequest", "Off"),
        ),
        Parameter(
            "TriggerPipelineExecution",
            "Run the pipeline on push",
            "The variable TRIGGER_PIPELINE_EXECUTION of both repositories.",
            "false",
            values=("true", "false"),
        ),
        Parameter(
            "RotateSecrets",
            "Write all secrets again",
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
            "GLUE_DATABASE of the workflows.",
            product.glue_database,
            r"^[A-Za-z0-9_-]{1,255}$",
            "1 to 255 letters, digits, underscores and hyphens",
        ),
        Parameter(
            "GlueTable",
            "Glue table",
            "GLUE_TABLE of the workflows.",
            product.glue_table,
            r"^[A-Za-z0-9_-]{1,255}$",
            "1 to 255 letters, digits, underscores and hyphens",
        ),
        Parameter(
            "DeployAccount",
            "Deployment account",
            "The AWS account that models are deployed to. Empty: this one.",
            "",
            r"^(\d{12})?$",
            "an account id of 12 digits",
        ),
        Parameter(
            "MlflowTrackingUri",
            "MLflow tracking server",
            "Its ARN or address. Empty: as the project has it.",
            "",
            r"^(arn:aws[a-z-]*:sagemaker:\S+|https?://\S+)?$",
            "an ARN or an http(s) address",
        ),
    ]
