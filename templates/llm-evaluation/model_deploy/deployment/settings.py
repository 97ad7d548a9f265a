"""What this repository knows about its project: the secrets and variables, as environment variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

DEPLOY_ROLE = "studio-deploy-{project}-{stage}"  # as in the platform's settings
NEEDED = (
    "REGION",
    "MODEL_PACKAGE_GROUP_NAME",
    "ARTIFACT_BUCKET",
    "AMAZON_DATAZONE_DOMAIN",
    "AMAZON_DATAZONE_PROJECT",
)
EXAMPLE = {
    "REGION": "eu-west-1",
    "MODEL_PACKAGE_GROUP_NAME": "example-models",
    "ARTIFACT_BUCKET": "example-bucket",
    "AMAZON_DATAZONE_DOMAIN": "dzd_example",
    "AMAZON_DATAZONE_PROJECT": "example",
}


class DeploymentError(Exception):
    """The deployment cannot go on; the message says what to do."""


@dataclass(frozen=True)
class Settings:
    """The project's settings."""

    project_id: str
    region: str
    model_package_group: str
    location: str
    deploy_account: str = ""
    deploy_role_name: str = DEPLOY_ROLE
    project_tags: tuple[tuple[str, str], ...] = ()

    def name(self, stage: str) -> str:
        """The name of the stack of a stage."""
        return f"studio-{self.project_id}-{stage}"

    def deploy_role(self, stage: str) -> str:
        """The name of the role in DEPLOY_ACCOUNT that deploys a stage of this project."""
        return self.deploy_role_name.replace("{project}", self.project_id).replace("{stage}", stage)

    def tags(self, stage: str) -> tuple[tuple[str, str], ...]:
        """The tags of a stage's stack."""
        return (*self.project_tags, ("studio:stage", stage))


def from_environment(environment: Mapping[str, str]) -> Settings:
    """Read the settings; raise DeploymentError, naming every variable that is missing."""
    missing = [name for name in NEEDED if not environment.get(name)]
    if missing:
        raise DeploymentError(
            f"Set {', '.join(missing)} (the workflow takes them from the repository's variables and secrets)."
        )
    tags = {
        "AmazonDataZoneDomain": environment.get("AMAZON_DATAZONE_DOMAIN", ""),
        "AmazonDataZoneProject": environment["AMAZON_DATAZONE_PROJECT"],
        "AmazonDataZoneScopeName": environment.get("AMAZON_DATAZONE_SCOPENAME", ""),
        "sagemaker:project-id": environment.get("SAGEMAKER_PROJECT_ID", ""),
        "sagemaker:project-name": environment.get("SAGEMAKER_PROJECT_NAME", ""),
    }
    return Settings(
        project_id=environment["AMAZON_DATAZONE_PROJECT"],
        region=environment["REGION"],
        model_package_group=environment["MODEL_PACKAGE_GROUP_NAME"],
        location=_location(environment),
        deploy_account=environment.get("DEPLOY_ACCOUNT", ""),
        deploy_role_name=environment.get("DEPLOY_ROLE_NAME") or DEPLOY_ROLE,
        project_tags=tuple((key, value) for key, value in tags.items() if value),
    )


def _location(environment: Mapping[str, str]) -> str:
    """Return the project's S3 location. With a bucket alone the prefix is domain/project/scope, as in model build."""
    bucket, _, prefix = environment["ARTIFACT_BUCKET"].removeprefix("s3://").strip("/").partition("/")
    scope = environment.get("AMAZON_DATAZONE_SCOPENAME") or "dev"
    domain, project = environment["AMAZON_DATAZONE_DOMAIN"], environment["AMAZON_DATAZONE_PROJECT"]
    return f"s3://{bucket}/{prefix.strip('/') or f'{domain}/{project}/{scope}'}"
