"""Which model package is deployed: the one that was asked for, or the group's latest approved one."""

from __future__ import annotations

import re
from typing import Any

from deployment.settings import DeploymentError

_ARN = re.compile(r"^arn:[\w-]+:sagemaker:[\w-]+:\d{12}:model-package/[A-Za-z0-9][A-Za-z0-9-]{0,62}/\d+$")


def choose(asked_for: str, group: str, sagemaker: Any) -> str:
    """Return the ARN of an approved model package of the group. Raises DeploymentError."""
    if not asked_for:
        found = sagemaker.list_model_packages(
            ModelPackageGroupName=group,
            ModelApprovalStatus="Approved",
            SortBy="CreationTime",
            SortOrder="Descending",
            MaxResults=1,
        )["ModelPackageSummaryList"]
        if not found:
            raise DeploymentError(f"The model package group {group} has no approved model yet; approve one first.")
        return str(found[0]["ModelPackageArn"])
    if not _ARN.match(asked_for):
        raise DeploymentError("model_package_arn is not the ARN of a model package version.")
    described = sagemaker.describe_model_package(ModelPackageName=asked_for)
    if described.get("ModelPackageGroupName") != group:
        raise DeploymentError(f"{asked_for} is not in this project's model package group {group}.")
    if described.get("ModelApprovalStatus") != "Approved":
        raise DeploymentError(f"{asked_for} is not approved; approve it first.")
    return asked_for
