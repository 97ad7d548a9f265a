"""What this repository knows about its SageMaker Unified Studio project."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

NEEDED = (
    "REGION",
    "SAGEMAKER_PIPELINE_ROLE_ARN",
    "ARTIFACT_BUCKET",
    "MODEL_PACKAGE_GROUP_NAME",
    "AMAZON_DATAZONE_DOMAIN",
    "AMAZON_DATAZONE_PROJECT",
)
EXAMPLE = {
    "REGION": "eu-west-1",
    "SAGEMAKER_PIPELINE_ROLE_ARN": "arn:aws:iam::111122223333:role/example",
    "ARTIFACT_BUCKET": "example-bucket",
    "MODEL_PACKAGE_GROUP_NAME": "example-models",
    "AMAZON_DATAZONE_DOMAIN": "dzd_example",
    "AMAZON_DATAZONE_PROJECT": "example",
}


# What Studio tells a space about itself and its project.
SPACE = Path("/opt/ml/metadata/resource-metadata.json")


class MissingSetting(Exception):
    """An environment variable that the pipeline needs is not set."""


@dataclass(frozen=True)
class Project:
    """The project's facts, as its launch tells them."""

    id: str
    name: str
    region: str
    role_arn: str
    bucket: str
    prefix: str
    model_package_group: str
    glue_database: str = ""
    glue_table: str = ""
    athena_workgroup: str = ""
    mlflow_tracking_uri: str = ""
    domain: str = ""
    tags: tuple[tuple[str, str], ...] = ()  # of the pipeline, which the workflow's role creates

    @property
    def job_tags(self) -> tuple[tuple[str, str], ...]:
        """The tags of jobs. The project's role creates the jobs, and that role cannot set Studio's own tags."""
        return tuple((key, value) for key, value in self.tags if not key.startswith("AmazonDataZone"))

    @property
    def names_table(self) -> bool:
        """Whether the project names a table; if there is one, the preprocess step finds out."""
        return bool(self.glue_database and self.glue_table)

    def uri(self, *parts: str) -> str:
        """Return an S3 URI below the project's own location."""
        return "/".join(["s3:/", self.bucket, *filter(None, self.prefix.split("/")), *parts])


def file_of_space(metadata: Path = SPACE) -> str:
    """Return the S3 URI of the project's project.json, in a Studio space; "" elsewhere."""
    if not metadata.exists():
        return ""
    root = json.loads(metadata.read_text(encoding="utf-8")).get("AdditionalMetadata", {}).get("ProjectS3Path", "")
    return f"{root.rstrip('/')}/project.json" if root else ""


def facts_of(text: str) -> dict[str, str]:
    """Return the facts in project.json, which the launch writes to the project's S3 location.

    They have the names of the environment variables. Raises MissingSetting if the text is no such file.
    """
    try:
        found = json.loads(text)
    except json.JSONDecodeError:
        found = None
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise MissingSetting("The project file is not a JSON object of texts. Pass the project.json of this project.")
    return found


def from_environment(environment: Mapping[str, str]) -> Project:
    """Read the facts. ARTIFACT_BUCKET is a bucket, or an S3 location (s3://bucket/prefix).

    With a bucket alone the prefix is domain/project/scope, which the workflow's role can use.
    Raises MissingSetting, naming every variable that is missing.
    """
    missing = [name for name in NEEDED if not environment.get(name)]
    if missing:
        raise MissingSetting(
            f"These variables are not set: {', '.join(missing)}. In GitHub the workflow sets them; in a terminal, "
            "export them or pass --project-file."
        )
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
        athena_workgroup=environment.get("ATHENA_WORKGROUP", ""),
        mlflow_tracking_uri=environment.get("MLFLOW_TRACKING_URI", ""),
        domain=domain,
        tags=tuple((key, value) for key, value in tags.items() if value),
    )
