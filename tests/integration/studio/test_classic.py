"""The same product from SageMaker Studio classic, which fills in SageMakerProjectName and SageMakerProjectId."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from local import ministack
from local import run as runs
from tests.integration.studio.conftest import Installation, eventually

# Whole projects on MiniStack; tests/integration/studio/test_first_door.py has one in make test.
pytestmark = [pytest.mark.long, pytest.mark.shares("projects", seconds=60)]

PROJECT = "p-abc123def456"


def launch(installation: Installation, role: str, project: str, name: str) -> dict[str, Any]:
    """Launch for classic as a role; return the record when it has ended."""
    catalog = installation.client_as(role, "servicecatalog")
    parameters = {
        "DomainId": "classic",
        "SageMakerProjectName": name,
        "SageMakerProjectId": project,
        "ProfileName": "regression",
        "Organization": runs.ORGANIZATION,
    }
    launched = catalog.provision_product(
        ProductId=installation.stack_outputs("PortfolioStack")["ProductId"],
        ProvisioningArtifactName=installation.version,
        ProvisionedProductName=f"{project}-{role}"[:60],
        ProvisionToken=str(uuid.uuid4()),
        ProvisioningParameters=[{"Key": key, "Value": value} for key, value in parameters.items()],
    )["RecordDetail"]["RecordId"]

    def ended() -> dict[str, Any] | None:
        record = dict(installation.catalog.describe_record(Id=launched)["RecordDetail"])
        return record if record["Status"] in ("SUCCEEDED", "FAILED") else None

    return eventually(ended)


def test_a_classic_project_gets_its_repositories(installation: Installation) -> None:
    project = {"name": "churn-classic", "projectId": PROJECT, "account": ministack.ACCOUNT}
    installation.run.standin_aws.call("POST", "classic-projects", project)
    principal = installation.portfolio_principal()
    for role, claimed, sentence in (
        ("studio-mlops-provisioning", PROJECT, "Only an administrator can launch the product for SageMaker Studio"),
        (principal, "p-somebodys", "does not have a project 'churn-classic' with the ID p-somebodys"),
    ):
        refused = launch(installation, role, claimed, "churn-classic")
        assert sentence in str(refused["RecordErrors"])
    record = launch(installation, principal, PROJECT, "churn-classic")
    assert record["Status"] == "SUCCEEDED", record["RecordErrors"]
    build = installation.repository("churn-classic-build")
    assert build["secrets"]["SAGEMAKER_PROJECT_NAME"] == "churn-classic"
    assert build["secrets"]["SAGEMAKER_PROJECT_ID"] == PROJECT
    assert build["secrets"]["SAGEMAKER_PIPELINE_ROLE_ARN"].endswith("AmazonSageMakerServiceCatalogProductsUseRole")
    assert "SAGEMAKER_DOMAIN_ARN" not in build["secrets"]
    product = installation.stack_outputs("PortfolioStack")["ProductId"]
    tags = installation.catalog.describe_product_as_admin(Id=product)["Tags"]
    assert {"Key": "sagemaker:studio-visibility", "Value": "true"} in tags
