"""What this repository knows about its SageMaker Unified Studio project: the secrets, as environment variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


class MissingSetting(Exception):
    """An environment variable that the pipeline needs is not set."""


@dataclass(frozen=True)
class Project:
    """The project's settings."""

    id: str
    name: str
    region: str
    role_arn: str
    bucket: str
    prefix: str
    model_package_group: str
    glue_database: str = ""
    glue_table: str = ""
    mlflow_tracking_uri: str = ""
    tags: tuple[tuple[str, str], ...] = ()  # of the pipeline, which the workflow's role creates

    @property
    def job_tags(self) -> tuple[tuple[str, str], ...]:
        """The tags of jobs: they are created as the project's role, which may not set Studio's own tags."""
        return tuple((key, value) for key, value in self.tags if not key.startswith("AmazonDataZone"))

    @property
    def pipeline_name(self) -> str:
        """The SageMaker pipeline's name."""
        return f"studio-{self.id}-abalone"

    def uri(self, *parts: str) -> str:
        """Return an S3 URI below the project's artifact location."""
        return "/".join(["s3:/", self.bucket, *filter(None, self.prefix.split("/")), *parts])


def from_environment(environment: Mapping[str, str]) -> Project:
    """Read the settings. ARTIFACT_BUCKET is a bucket, or an S3 location (s3://bucket/prefix).

    With a bucket alone the prefix is the project's own, which the workflow's role may use: domain/project/scope.
    Raises MissingSetting, naming every variable that is missing.
    """
    needed = (
        "REGION",
        "SAGEMAKER_PIPELINE_ROLE_ARN",
        "ARTIFACT_BUCKET",
        "MODEL_PACKAGE_GROUP_NAME",
        "AMAZON_DATAZONE_DOMAIN",
        "AMAZON_DATAZONE_PROJECT",
    )
    missing = [name for name in needed if not environment.get(name)]
    if missing:
        raise MissingSetting(f"Set {', '.join(missing)} (the workflow takes them from the repository's secrets).")
    scope = environment.get("AMAZON_DATAZONE_SCOPENAME") or "dev"
    domain, project = environment["AMAZON_DATAZONE_DOMAIN"], environment["AMAZON_DATAZONE_PROJECT"]
    bucket, _, prefix = environment["ARTIFACT_BUCKET"].removeprefix("s3://").strip("/").partition("/")
    tags = {
        "AmazonDataZoneDomain": domain,
        "AmazonDataZoneProject": project,
        "AmazonDataZoneScopeName": scope,
        "sagemaker:project-id": environment.get("SAGEMAKER_PROJECT_ID", ""),
        "sagemaker:project-name": environment.get("SAGEMAKER_PROJECT_NAME", ""),
        "sagemaker:domain-arn": environment.get("SAGEMAKER_DOMAIN_ARN", ""),
        "sagemaker:space-arn": environment.get("SAGEMAKER_SPACE_ARN", ""),
    }
    return Project(
        id=project,
        name=environment.get("SAGEMAKER_PROJECT_NAME") or project,
        region=environment["REGION"],
        role_arn=environment["SAGEMAKER_PIPELINE_ROLE_ARN"],
        bucket=bucket,
        prefix=prefix or f"{domain}/{project}/{scope}",
        model_package_group=environment["MODEL_PACKAGE_GROUP_NAME"],
        glue_database=environment.get("GLUE_DATABASE", ""),
        glue_table=environment.get("GLUE_TABLE", ""),
        mlflow_tracking_uri=environment.get("MLFLOW_TRACKING_URI", ""),
        tags=tuple((key, value) for key, value in tags.items() if value),
    )
