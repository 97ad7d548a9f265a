"""SageMaker's model package groups: one a project, tagged as the project's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from custom_resources.clients.aws import SAGEMAKER, translated
from custom_resources.errors import AwsConflict, AwsRefused, ModelPackageGroupTaken

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient

PROJECT_TAG, DOMAIN_TAG = "AmazonDataZoneProject", "AmazonDataZoneDomain"
REPOSITORIES_TAG = "studio-mlops:repositories"  # the stem of their names


class ModelPackageGroups:
    """Creates the groups that projects' pipelines register models in."""

    def __init__(self, client: SageMakerClient) -> None:
        """Take a boto3 SageMaker client."""
        self._client = client

    def ensure(self, name: str, domain_id: str, project_id: str, stack_id: str, repositories: str = "") -> str:
        """Create the project's group; one that carries the project's tags already is its own, and stays.

        `repositories` is kept with it: return the kept text, "" if there is none. Anyone who can tag the group can
        change it.
        Raises ModelPackageGroupTaken for anybody else's, AwsThrottled and AwsUnreachable, which pass, AwsDenied,
        AwsRefused.
        """
        tags = {DOMAIN_TAG: domain_id, PROJECT_TAG: project_id}
        kept = {REPOSITORIES_TAG: repositories} if repositories else {}
        try:
            with translated(SAGEMAKER, f"creating the model package group {name}"):
                self._client.create_model_package_group(
                    ModelPackageGroupName=name,
                    ModelPackageGroupDescription="The models of a SageMaker Unified Studio project",
                    Tags=[{"Key": key, "Value": value} for key, value in (tags | kept).items()],
                )
        # SageMaker answers ValidationException, "Model Package Group already exists: ARN".
        except (AwsConflict, AwsRefused) as refusal:
            if "already exists" not in str(refusal):
                raise
            found = self._tags(name, stack_id)
            if {key: found.get(key) for key in tags} != tags:
                raise ModelPackageGroupTaken(group=name, project=project_id, domain=domain_id) from None
            return found.get(REPOSITORIES_TAG, "")
        return repositories

    def _tags(self, name: str, stack_id: str) -> dict[str, str]:
        partition, _, region, account = [*f"{stack_id}::::".split(":")][1:5]
        arn = f"arn:{partition}:sagemaker:{region}:{account}:model-package-group/{name}"
        with translated(SAGEMAKER, f"listing the tags of the model package group {name}"):
            pages = self._client.get_paginator("list_tags").paginate(ResourceArn=arn)
            return {tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"]}
