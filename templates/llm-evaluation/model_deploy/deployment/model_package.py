"""Which model package is deployed: the one that was asked for, or the group's latest approved one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from deployment.settings import DeploymentError

_ARN = re.compile(r"^arn:[\w-]+:sagemaker:[\w-]+:\d{12}:model-package/[A-Za-z0-9][A-Za-z0-9-]{0,62}/\d+$")


def choose(asked_for: str, group: str, sagemaker: Any) -> Mapping[str, Any]:
    """Return SageMaker's description of an approved model package of the group. Raises DeploymentError."""
    arn = asked_for or _latest(group, sagemaker)
    if not _ARN.match(arn):
        raise DeploymentError("model_package_arn is not the ARN of a model package version.")
    try:
        described: Mapping[str, Any] = sagemaker.describe_model_package(ModelPackageName=arn)
    except ClientError as error:
        raise DeploymentError(f"{arn} cannot be read: {error.response['Error']['Message']}") from error
    if described.get("ModelPackageGroupName") != group:
        raise DeploymentError(f"{arn} is not in this project's model package group {group}.")
    if described.get("ModelApprovalStatus") != "Approved":
        raise DeploymentError(f"{arn} is not approved. Approve it in Studio, then run this again.")
    return described


def _latest(group: str, sagemaker: Any) -> str:
    found = sagemaker.list_model_packages(
        ModelPackageGroupName=group,
        ModelApprovalStatus="Approved",
        SortBy="CreationTime",
        SortOrder="Descending",
        MaxResults=1,
    )["ModelPackageSummaryList"]
    if not found:
        raise DeploymentError(f"The model package group {group} has no approved model. Approve one in Studio first.")
    return str(found[0]["ModelPackageArn"])
