"""An approved model package starts the deploy workflow of the right repository, once; what fails is kept."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from tests.integration.studio.conftest import Installation, eventually

# Whole projects on MiniStack; tests/integration/studio/test_first_door.py has one in make test.
pytestmark = [pytest.mark.long, pytest.mark.shares("projects", seconds=60)]

ARN = "arn:aws:sagemaker:us-east-1:123456789012:model-package"


def approve(installation: Installation, project: str, number: int, event: str = "") -> str:
    """Send SageMaker's event; `event` is its id where a test sends the same one again. Returns the package's ARN."""
    group = f"aiops-{project}-models"
    package = f"{ARN}/{group}/{number}"
    detail = {
        "ModelPackageGroupName": group,
        "ModelPackageArn": package,
        "ModelPackageVersion": number,
        "ModelPackageStatus": "Completed",
        "ModelApprovalStatus": "Approved",
    }
    if event:
        # The event bus gives each event an id of its own; a second delivery has the first one's.
        queue = installation.client("sqs").get_queue_url(QueueName="studio-mlops-approvals.fifo")["QueueUrl"]
        body = {"id": event, "detail-type": "SageMaker Model Package State Change", "detail": detail}
        installation.client("sqs").send_message(
            QueueUrl=queue,
            MessageBody=json.dumps(body),
            MessageGroupId="approvals",
            MessageDeduplicationId=str(uuid.uuid4()),
        )
    else:
        installation.put_event("aws.sagemaker", "SageMaker Model Package State Change", detail)
    return package


def dispatched(installation: Installation, repository: str) -> list[dict[str, Any]]:
    return list(installation.repository(repository)["dispatches"])


def test_an_approved_model_starts_its_projects_deployment_once(installation: Installation) -> None:
    project, other = installation.create("models"), installation.create("bystander")
    installation.deployed(project)
    installation.deployed(other)
    deploy = installation.outputs(project)["DeployRepositoryName"]

    package = approve(installation, project, 1)
    (started,) = eventually(lambda: dispatched(installation, deploy))
    assert started["workflow"] == "deploy_model.yml"
    assert started["inputs"] == {"model_package_arn": package}

    twice = str(uuid.uuid4())
    second = approve(installation, project, 2, twice)
    approve(installation, project, 2, twice)
    third = approve(installation, project, 3)
    eventually(lambda: len(dispatched(installation, deploy)) >= 3)
    assert [item["inputs"]["model_package_arn"] for item in dispatched(installation, deploy)] == [
        package,
        second,
        third,
    ]
    assert dispatched(installation, installation.outputs(other)["DeployRepositoryName"]) == []


def test_a_renamed_repository_is_found_by_its_id(installation: Installation) -> None:
    project = installation.create("renamed")
    installation.deployed(project)
    deploy = installation.outputs(project)["DeployRepositoryName"]
    installation.github("PATCH", f"/repos/studio-projects/{deploy}", {"name": "serving"})
    package = approve(installation, project, 1)
    (started,) = eventually(lambda: dispatched(installation, "serving"))
    assert started["inputs"]["model_package_arn"] == package
